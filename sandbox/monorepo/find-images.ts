import { join } from "node:path";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { ensureCredentials } from "../machine/credentials.ts";
import { provideImages, saveFromDocker, type ProvidedImage } from "../machine/images/provided.ts";
import { buildTools } from "../machine/tools/go-tools.ts";
import { neededImages, unavailableImages, type NeededImages } from "./pulled-images.ts";
import { monorepoOf, type MonorepoStack } from "./stack.ts";

interface FindImagesOptions {
  readonly stateDir: string;
  /** Images that this machine cannot pull. */
  readonly images: readonly ProvidedImage[];
  readonly report: (line: string) => void;
}

interface BuildKitClient {
  readonly address: string;
  readonly buildctl: string;
}

/** Of the sandbox, what is needed here. */
interface RunningSandbox {
  readonly cluster: { readonly pods: "real" | "simulated" };
  readonly docker: { readonly buildKit: () => Promise<BuildKitClient> };
  readonly endpoints: { readonly registryHost: string };
}

export interface FoundImages {
  readonly buildKit: BuildKitClient;
  readonly needed: NeededImages;
  /** Those that are not to be had, and why. */
  readonly unavailable: ReadonlyMap<string, string>;
}

/** Which images come from elsewhere, and which of them are not to be had: not even from a Docker daemon of this machine. */
export async function findImages(
  { stateDir, images, report }: FindImagesOptions,
  { cluster, docker, endpoints }: RunningSandbox,
  stack: MonorepoStack,
): Promise<FoundImages> {
  // The stack that is made for a monorepo has the sandbox's own login.
  const { username = "" } = stack.settings.images;
  const registry = { host: endpoints.registryHost, username, password: ensureCredentials(stateDir).registryPassword };
  const provide = async (given: readonly ProvidedImage[]): Promise<void> => {
    if (given.length === 0) return;
    report(`Images: taking ${given.map(({ image }) => image).join(", ")}`);
    const { crane } = await buildTools(["crane"], report);
    await provideImages({ stateDir, images: given, crane, registry });
  };
  await provide(images);
  // Simulated pods pull nothing.
  const needed = neededImages(monorepoOf(stack), cluster.pods === "simulated" ? {} : stack.settings.dependencies);
  report(`Images: looking for ${needed.size} that come from elsewhere`);
  const buildKit = await docker.buildKit();
  const missing = await unavailableImages([...needed.keys()], buildKit);
  using directory = temporaryDirectory("delivery-docker-images-");
  const local: ProvidedImage[] = [];
  for (const [index, image] of [...missing.keys()].entries()) {
    const file = join(directory.path, `${index}.tar`);
    if (await saveFromDocker(image, file)) local.push({ image, file });
  }
  await provide(local);
  const found = new Set(local.map(({ image }) => image));
  return {
    // It knows of the registries of provided images only from its start on.
    buildKit: local.length === 0 ? buildKit : await docker.buildKit(),
    needed,
    unavailable: new Map([...missing].filter(([image]) => !found.has(image))),
  };
}
