import { createHash } from "node:crypto";
import type { types } from "@pulumi/kubernetes";
import { fileKey, type MountedFiles } from "../service/files.ts";
import type { ScratchDirectory } from "../service/mounts.ts";

type PodSpec = types.input.core.v1.PodSpec;
type Container = types.input.core.v1.Container;

/** The user of containers that name none; what distroless images call `nonroot`. */
const defaultUser = 65_532;

/**
 * What the `restricted` Pod Security profile asks of a pod. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
 * @param hasLowPorts whether it listens below 1024, which the profile lets the pod's own network allow to every user
 */
export function restrictedPod(
  user: number = defaultUser,
  hasLowPorts = false,
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
      ...(hasLowPorts ? { sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }] } : {}),
    },
  };
}

/**
 * What the `restricted` profile asks of a container, and a root file system that it cannot write.
 * @param capabilities with one, only the `baseline` profile takes it: a user other than root has none before one of its programs
 * takes it on, which is what escalation means
 */
export function restrictedContainer(capabilities: readonly string[] = []): Pick<Container, "securityContext"> {
  return {
    securityContext: {
      allowPrivilegeEscalation: capabilities.length > 0,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"], ...(capabilities.length === 0 ? {} : { add: [...capabilities] }) },
    },
  };
}

/** Volumes of a pod, and where they are in its container. */
export interface Volumes {
  volumes: types.input.core.v1.Volume[];
  volumeMounts: types.input.core.v1.VolumeMount[];
}

/** Directories that are empty at every start. */
export function scratchVolumes(directories: readonly ScratchDirectory[]): Volumes {
  // Any path makes a valid name this way, and two paths never the same.
  const nameOf = (path: string): string => `scratch-${createHash("sha256").update(path).digest("hex").slice(0, 8)}`;
  const sizes = new Map(directories.map(({ path, size }) => [path, size ?? "64Mi"]));
  const named = [...sizes].map(([mountPath, sizeLimit]) => ({ mountPath, sizeLimit, name: nameOf(mountPath) }));
  return {
    volumes: named.map(({ name, sizeLimit }) => ({ name, emptyDir: { sizeLimit } })),
    volumeMounts: named.map(({ name, mountPath }) => ({ name, mountPath })),
  };
}

/**
 * Files of a ConfigMap and of a Secret. Each is mounted by itself, so that what else the image has in its directory stays; that
 * such a file never follows its source is no loss, since pods are made anew when it changes.
 */
export function fileVolumes(name: string, files: MountedFiles = {}): Volumes {
  const paths = Object.entries(files);
  const secret = { secretName: name, defaultMode: readableByGroup };
  const volumes = [
    ...(paths.some(([, file]) => !("secret" in file)) ? [{ name: "files", configMap: { name } }] : []),
    ...(paths.some(([, file]) => "secret" in file) ? [{ name: "secret-files", secret }] : []),
  ];
  const volumeMounts = paths.map(([mountPath, file]) => ({
    name: "secret" in file ? "secret-files" : "files",
    mountPath,
    subPath: fileKey(mountPath),
    readOnly: true,
  }));
  return { volumes, volumeMounts };
}

/** The pod's group is the user's own. */
const readableByGroup = 0o440;
