import { statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { run } from "../command.ts";
import { namespacePid } from "./namespaces.ts";
import { imageArchive, type ImageContent } from "./image-archive.ts";
import { containerdSocket } from "./node-config.ts";

export interface NodeImageOptions {
  stateDir: string;
  tools: { containerd: string };
}

/**
 * Gives the node an image that is made on this machine: its pods find it by its name, and no registry is asked.
 * @throws Error where no containerd runs
 */
export async function giveNodeImage(options: NodeImageOptions, image: ImageContent): Promise<void> {
  // The node has namespaces of its own, and sees this machine's temporary files all the same.
  using folder = temporaryDirectory("delivery-node-image-");
  const file = join(folder.path, "image.tar");
  writeFileSync(file, await imageArchive(image, process.arch));
  await importImage(options, file);
}

/** @param file where it is within the node's mount namespace */
export async function importImage({ stateDir, tools }: NodeImageOptions, file: string): Promise<void> {
  const pid = namespacePid(stateDir);
  if (pid === undefined) throw new Error("the node does not run: pods are simulated, or it has been stopped");
  const snapshotter = snapshotterFor(join(stateDir, "node"));
  const inNamespaces = ["--target", String(pid), "--net", "--mount", "--pid", "--"];
  const ctr = [join(dirname(tools.containerd), "ctr"), "--address", containerdSocket, "--namespace", "k8s.io"];
  await run("nsenter", [...inNamespaces, ...ctr, "images", "import", "--snapshotter", snapshotter, file]);
}

/** Overlay file systems do not stack: within a container whose own disk is one, layers are copied. */
export function snapshotterFor(folder: string): "overlayfs" | "native" {
  const overlayMagic = 0x794c7630;
  return statfsSync(folder).type === overlayMagic ? "native" : "overlayfs";
}
