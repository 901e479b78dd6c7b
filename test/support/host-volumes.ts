import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesClient } from "../../kubernetes/client.ts";

/** Volumes of a storage class that has no provisioner, as the sandbox has none: each a folder of this machine. */
export interface HostVolumes extends AsyncDisposable {
  readonly storageClass: string;
  /** Where their data lies, in the order in which they were made; which claim has which, the cluster decides. */
  readonly folders: readonly string[];
}

/**
 * @param name of the storage class, and the beginning of their names
 * @param directory where their folders are made
 */
export async function makeHostVolumes(
  kubernetes: KubernetesClient,
  { name, directory, count, size = "10Mi" }: { name: string; directory: string; count: number; size?: string },
): Promise<HostVolumes> {
  const volumes = Array.from({ length: count }, (_, index) => ({
    name: `${name}-${index}`,
    folder: join(directory, `${name}-${index}`),
  }));
  const [path, storageClass] = ["/api/v1/persistentvolumes", name];
  for (const volume of volumes) {
    mkdirSync(volume.folder, { recursive: true });
    // The kubelet leaves the owner of such folders as it is.
    chmodSync(volume.folder, 0o777);
    const spec = {
      capacity: { storage: size },
      accessModes: ["ReadWriteOnce"],
      storageClassName: storageClass,
      hostPath: { path: volume.folder },
    };
    const body = { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: volume.name }, spec };
    await kubernetes.request("POST", path, { body });
  }
  return {
    storageClass,
    folders: volumes.map(({ folder }) => folder),
    [Symbol.asyncDispose]: async () => {
      for (const volume of volumes) {
        await kubernetes.request("DELETE", `${path}/${volume.name}`);
        rmSync(volume.folder, { recursive: true, force: true });
      }
    },
  };
}
