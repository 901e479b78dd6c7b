import { dirname, join } from "node:path";

/** What distinguishes one sandbox's BuildKit from another's. */
export interface BuildKitSettings {
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
}

/** BuildKit's configuration (TOML; a JSON string is a TOML string). */
export function buildkitConfig(values: BuildKitSettings): string {
  return `root = ${text(values.root)}

[log]
  level = "warn"

[grpc]
  address = [${text(`unix://${values.socket}`)}]

# Its usual place belongs to the whole machine.
[otel]
  socketPath = ${text(join(dirname(values.socket), "otel.sock"))}

[history]
  maxEntries = 20

[worker.containerd]
  enabled = false

[worker.oci]
  enabled = true
  binary = ${text(values.runc)}
  rootless = ${values.rootless}
  # Overlays need privileges that a user namespace gives on few machines only.
  snapshotter = ${text(values.rootless ? "native" : "auto")}
  # Steps that download reach what this machine reaches.
  networkMode = "host"
${values.rootless ? "" : `  defaultCgroupParent = ${text(values.cgroup)}\n`}  gc = true

[[worker.oci.gcpolicy]]
  all = true
  reservedSpace = "300MB"
  maxUsedSpace = "600MB"

# The stand-in for Docker Hub's public images.
[registry."docker.io"]
  mirrors = [${text(values.mirror)}]

[registry.${text(values.mirror)}]
  http = true

[registry.${text(values.registry)}]
  http = true
`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
