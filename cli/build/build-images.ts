import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Service } from "../../components/service.ts";
import { imageRepository } from "../../core/names.ts";
import { digestSchema } from "../../git/release-record.ts";
import { CommandError } from "../command.ts";
import type { Monorepo } from "../project/monorepo.ts";
import type { Registry } from "../registry/client.ts";
import { buildFailure, isPassing, lastWord, runBuildProcess } from "./build-process.ts";
import type { Builder, ImageBuild } from "./builders.ts";

/**
 * Builds several images at once. One that fails does not stop the others: what they make is in the cache of the next run.
 * @param concurrency how many at the same time
 * @throws CommandError with all that failed
 */
export async function buildImages(
  builds: readonly ImageBuild[],
  concurrency: number,
  options: BuildOptions,
): Promise<BuiltImage[]> {
  const waiting = builds.entries();
  const outcomes = new Map<number, BuiltImage | Error>();
  const takeTurns = async (): Promise<void> => {
    // All of them take from the same list.
    for (const [index, build] of waiting) {
      const outcome = await buildService(build, options).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
      );
      outcomes.set(index, outcome);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, takeTurns));
  if (options.signal.aborted) throw new CommandError("stopped; images may be pushed already, but no digest is written");
  const inOrder = builds.flatMap((_, index) => outcomes.get(index) ?? []);
  const failures = inOrder.filter((outcome): outcome is Error => outcome instanceof Error);
  if (failures.length > 0) throw new CommandError(failures.map(({ message }) => message).join("\n       "));
  return inOrder.flatMap((outcome) => (outcome instanceof Error ? [] : [outcome]));
}

interface BuildOptions {
  readonly builder: Builder;
  /** The builder's, with the logins that it needs. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asked whether it really has what was pushed. */
  readonly registry: Registry;
  /** Takes the builder's output, line by line. */
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
  /** Waits before the further attempts, in milliseconds. @default 1, 3 and 9 s */
  readonly pauses?: readonly number[];
}

export interface BuiltImage {
  readonly service: string;
  readonly repository: string;
  /** By which the registry knows it; `null`: it is not pushed. */
  readonly digest: string | null;
  readonly tags: readonly string[];
  readonly seconds: number;
}

/**
 * Builds an image and pushes it; what may pass by itself is tried again.
 * @throws CommandError with the image, the reason and the way out
 */
export async function buildService(build: ImageBuild, options: BuildOptions): Promise<BuiltImage> {
  const start = performance.now();
  const directory = await mkdtemp(join(tmpdir(), "delivery-build-"));
  try {
    const metadataFile = join(directory, "metadata.json");
    await runBuilder(build, metadataFile, options);
    const digest = build.push ? await pushedDigest(build, metadataFile, options.registry) : null;
    const { service, repository, tags } = build;
    const seconds = Math.round(performance.now() - start) / 1000;
    return { service, repository, digest, tags: build.push ? tags : [], seconds };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runBuilder(build: ImageBuild, metadataFile: string, options: BuildOptions): Promise<void> {
  const { builder, environment, note, signal, pauses = [1_000, 3_000, 9_000] } = options;
  const onLine = (line: string): void => {
    if (line !== "") note(`${build.service} | ${line}`);
  };
  for (let attempt = 1; ; attempt++) {
    const command = builder.command(build, metadataFile);
    const { succeeded, output } = await runBuildProcess(command, { environment, onLine, signal });
    if (succeeded) return;
    const message = lastWord(output);
    const pause = pauses[attempt - 1];
    if (pause === undefined || !isPassing(message))
      throw new CommandError(buildFailure(build, builder, output, attempt));
    onLine(`attempt ${attempt} of ${pauses.length + 1} failed, the next one is in ${pause / 1000} s: ${message}`);
    await sleep(pause, undefined, { signal });
  }
}

/** BuildKit's own file; its other keys vary with the builder. */
const metadataSchema = z.object({ "containerimage.digest": digestSchema });

export function digestIn(metadata: string): string | undefined {
  const parsed = metadataSchema.safeParse(JSON.parse(metadata));
  return parsed.success ? parsed.data["containerimage.digest"] : undefined;
}

async function pushedDigest({ repository }: ImageBuild, metadataFile: string, registry: Registry): Promise<string> {
  const digest = digestIn(await readFile(metadataFile, "utf8"));
  if (digest === undefined)
    throw new CommandError(
      `${repository} is pushed, but the builder does not say as which digest; use a newer Docker or BuildKit`,
    );
  if ((await registry.digest(repository, digest)) === undefined)
    throw new CommandError(
      `${repository}@${digest} is pushed, but the registry does not have it; run the same command again`,
    );
  return digest;
}

/** The builds of some services, as the program itself declares them with `images.source: build`. */
export function imageBuilds(
  { app, images, root }: Monorepo,
  services: readonly Service[],
  { tags, push }: Pick<ImageBuild, "tags" | "push">,
): ImageBuild[] {
  return services.map(({ name, directory }) => ({
    service: name,
    repository: imageRepository(images, app.name, name),
    tags,
    context: resolve(images.context === "app" ? root : directory),
    dockerfile: resolve(join(directory, "Dockerfile")),
    platform: images.platform,
    push,
  }));
}
