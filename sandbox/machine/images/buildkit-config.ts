import { dirname, join } from "node:path";

/** What distinguishes one sandbox's BuildKit from another's. */
interface BuildKitSettings {
  /** Folder of layers and build caches. */
  root: string;
  socket: string;
  runc: string;
  rootless: boolean;
  /** Parent of the control groups of a build's steps. */
  cgroup: string;
  /** Host and port of the registry that is asked in place of Docker Hub. */
  mirror: string;
  /** Host and port of the registry that is pushed to. */
  registry: string;
  /** Further registries in whose place the mirror is asked first, by their hosts as image names have them. */
  mirrored: readonly string[];
}

/** BuildKit's configuration (TOML; a JSON string is a TOML string). */
export function buildkitConfig(values: BuildKitSettings): string {
  return `root = ${tomlString(values.root)}

[log]
  level = "warn"

[grpc]
  address = [${tomlString(`unix://${values.socket}`)}]

# Its usual place belongs to the whole machine.
[otel]
  socketPath = ${tomlString(join(dirname(values.socket), "otel.sock"))}

[history]
  maxEntries = 20

[worker.containerd]
  enabled = false

[worker.oci]
  enabled = true
  binary = ${tomlString(values.runc)}
  rootless = ${values.rootless}
  # Overlays need privileges that a user namespace gives on few machines only.
  snapshotter = ${tomlString(values.rootless ? "native" : "auto")}
  # Steps that download reach what this machine reaches.
  networkMode = "host"
${values.rootless ? "" : `  defaultCgroupParent = ${tomlString(values.cgroup)}\n`}  gc = true

# The base images of Go and Node.js take half of it, compressed and unpacked.
[[worker.oci.gcpolicy]]
  all = true
  reservedSpace = "300MB"
  maxUsedSpace = "1GB"

# The stand-in for Docker Hub's public images.
[registry."docker.io"]
  mirrors = [${tomlString(values.mirror)}]

${values.mirrored
  .filter((host) => host !== "docker.io")
  .map((host) => `[registry.${tomlString(host)}]\n  mirrors = [${tomlString(`${values.mirror}/${host}`)}]\n\n`)
  .join("")}[registry.${tomlString(values.mirror)}]
  http = true

[registry.${tomlString(values.registry)}]
  http = true
`;
}

function tomlString(value: string): string {
  return JSON.stringify(value);
}
