import { giveNodeImage } from "../cluster/node-images.ts";

/** What Tekton's controller is told: images that nobody has to pull, since they are made on this machine. */
export const tektonImages = {
  entrypoint: "sandbox.local/tekton-entrypoint:1",
  helpers: "sandbox.local/tekton-helpers:1",
} as const;

interface TektonImageOptions {
  stateDir: string;
  tools: Readonly<
    Record<"tekton-entrypoint" | "tekton-nop" | "tekton-workingdirinit" | "busybox" | "containerd", string>
  >;
}

/** What Tekton's scripts are written with. */
const applets = ["cat", "chmod", "cp", "ls", "mkdir", "rm", "sh", "touch"];

/** Gives the node the images of Tekton's own containers: its entrypoint in one, and in the other all that is small, with a shell. */
export async function giveTektonImages({ stateDir, tools }: TektonImageOptions): Promise<void> {
  const node = { stateDir, tools };
  await giveNodeImage(node, {
    name: tektonImages.entrypoint,
    files: { "ko-app/entrypoint": { copyOf: tools["tekton-entrypoint"] }, tmp: "folder" },
    entrypoint: ["/ko-app/entrypoint"],
  });
  await giveNodeImage(node, {
    name: tektonImages.helpers,
    files: {
      "bin/busybox": { copyOf: tools.busybox },
      ...Object.fromEntries(applets.map((applet) => [`bin/${applet}`, { link: "busybox" }])),
      "ko-app/nop": { copyOf: tools["tekton-nop"] },
      "ko-app/workingdirinit": { copyOf: tools["tekton-workingdirinit"] },
      tmp: "folder",
    },
    entrypoint: ["/ko-app/nop"],
    env: { PATH: "/bin:/ko-app" },
  });
}
