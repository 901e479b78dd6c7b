import { createHash } from "node:crypto";
import type { types } from "@pulumi/kubernetes";

type PodSpec = types.input.core.v1.PodSpec;
type Container = types.input.core.v1.Container;

/** The user of containers that name none; what distroless images call `nonroot`. */
const defaultUser = 65_532;

/** What the `restricted` Pod Security profile asks of a pod. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export function restrictedPod(
  user: number = defaultUser,
): Pick<PodSpec, "securityContext" | "automountServiceAccountToken" | "enableServiceLinks"> {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/** What the `restricted` profile asks of a container, and a root file system that it cannot write. */
export function restrictedContainer(): Pick<Container, "securityContext"> {
  return {
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
  };
}

/** Directories that are empty at every start. */
export function scratchVolumes(paths: readonly string[]): {
  volumes: types.input.core.v1.Volume[];
  volumeMounts: types.input.core.v1.VolumeMount[];
} {
  // Any path makes a valid name this way, and two paths never the same.
  const nameOf = (path: string): string => `scratch-${createHash("sha256").update(path).digest("hex").slice(0, 8)}`;
  const named = [...new Set(paths)].map((mountPath) => ({ mountPath, name: nameOf(mountPath) }));
  return {
    volumes: named.map(({ name }) => ({ name, emptyDir: { sizeLimit: "64Mi" } })),
    volumeMounts: named.map(({ name, mountPath }) => ({ name, mountPath })),
  };
}
