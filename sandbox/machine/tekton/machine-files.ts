import { existsSync } from "node:fs";
import { locateImages, repositoryOfReference } from "../../../core/image-name.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { applyObject } from "../cluster/api.ts";
import { giveNodeImage, type NodeImageOptions } from "../cluster/node-images.ts";

/** A folder of this machine that the containers of jobs see where it is here, too. */
export interface MachineFolder {
  readonly path: string;
  readonly writable?: true;
}

const group = "admissionregistration.k8s.io";
const policyName = "sandbox-job-files";

/** What every image of jobs has, and these have from this machine. */
const system: readonly MachineFolder[] = ["/usr", "/etc/ssl", "/etc/alternatives"].map((path) => ({ path }));

/** Where this machine's folders are that are named without /usr. */
const links = ["bin", "lib", "lib64", "sbin"] as const;

/**
 * Lets the containers of jobs see folders of this machine, which stands in for what their images have: by a policy of the cluster,
 * as one gives such pods a cache. The images themselves are nearly empty.
 *
 * @param namespaces those of the jobs
 */
export async function shareMachineFolders(
  client: KubernetesClient,
  namespaces: readonly string[],
  folders: readonly MachineFolder[],
): Promise<void> {
  const shared = [...system, ...folders].filter(({ path }) => existsSync(path));
  const named = shared.map((folder, index) => ({ ...folder, name: `machine-${index + 1}` }));
  const volumes = named.map(
    ({ name, path }) =>
      `Object.spec.volumes{name: "${name}", hostPath: Object.spec.volumes.hostPath{path: ${JSON.stringify(path)}}}`,
  );
  const mounts = named.map(
    ({ name, path, writable = false }) =>
      `Object.spec.containers.volumeMounts{name: "${name}", mountPath: ${JSON.stringify(path)}, readOnly: ${!writable}}`,
  );
  const expression = `Object{spec: Object.spec{
  volumes: [${volumes.join(", ")}],
  containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, volumeMounts: [${mounts.join(", ")}]})
}}`;
  await applyObject(client, `/apis/${group}/v1/mutatingadmissionpolicies/${policyName}`, {
    apiVersion: `${group}/v1`,
    kind: "MutatingAdmissionPolicy",
    metadata: { name: policyName },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
      },
      failurePolicy: "Fail",
      reinvocationPolicy: "Never",
      mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression } }],
    },
  });
  await applyObject(client, `/apis/${group}/v1/mutatingadmissionpolicybindings/${policyName}`, {
    apiVersion: `${group}/v1`,
    kind: "MutatingAdmissionPolicyBinding",
    metadata: { name: policyName },
    spec: {
      policyName,
      matchResources: {
        namespaceSelector: {
          matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: [...namespaces] }],
        },
      },
    },
  });
}

export interface JobImage {
  /** As the pipeline names it. */
  readonly name: string;
  /** What its containers find in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What starts in it. @default a shell: jobs bring their scripts */
  readonly start?: string;
}

/** Gives the node an image that has little but those variables: all else is {@link shareMachineFolders}. */
export async function giveJobImage(options: NodeImageOptions, { name, env, start }: JobImage): Promise<void> {
  await giveNodeImage(options, {
    name: fullName(name),
    files: {
      usr: "folder",
      tmp: "folder",
      root: "folder",
      ...Object.fromEntries(links.map((link) => [link, { link: `usr/${link}` }])),
      "etc/passwd": { content: "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/tmp:/bin/false\n" },
      "etc/group": { content: "root:x:0:\nnogroup:x:65534:\n" },
      ...(start === undefined ? {} : { start: { content: start } }),
    },
    entrypoint: [start === undefined ? "/bin/bash" : "/start"],
    env,
  });
}

/** As containerd knows it: with the registry's host. */
function fullName(image: string): string {
  const repository = repositoryOfReference(image);
  const { host, name } = locateImages(repository);
  return `${host}/${name}${image.slice(repository.length) || ":latest"}`;
}
