import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { Service } from "../../components/service/service.ts";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { imageRepository } from "../../core/names.ts";
import { retry } from "../../core/retry.ts";
import { digestSchema } from "../../git/release-record.ts";
import { baseServices, type BaseImage } from "../affected/base-images.ts";
import { CommandError } from "../command.ts";
import type { Monorepo } from "../project/monorepo.ts";
import type { Registry } from "../registry/client.ts";
import type { Digests } from "../release/digests-file.ts";
import { onlyBuildSecrets, secretMask, secretVariables } from "./build-secrets.ts";
import { builderMessage, buildFailure, isTransient } from "./build-failure.ts";
import { runBuildProcess } from "./build-process.ts";
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
  // Each worker takes the next build from here.
  const waiting = builds.entries();
  const outcomes = new Map<number, BuiltImage | Error>();
  const worker = async (): Promise<void> => {
    for (const [index, build] of waiting) {
      const outcome = await buildService(build, options).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
      );
      outcomes.set(index, outcome);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
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
 * Builds an image and pushes it; a failure that may be gone a moment later is retried.
 * @throws CommandError with the image, the reason and what to do
 */
export async function buildService(build: ImageBuild, options: BuildOptions): Promise<BuiltImage> {
  const start = performance.now();
  using directory = temporaryDirectory("delivery-build-");
  const metadataFile = join(directory.path, "metadata.json");
  await runBuilder(build, metadataFile, options);
  const digest = build.push ? await pushedDigest(build, metadataFile, options.registry) : null;
  const { service, repository, tags } = build;
  const seconds = Math.round(performance.now() - start) / 1000;
  return { service, repository, digest, tags: build.push ? tags : [], seconds };
}

async function runBuilder(build: ImageBuild, metadataFile: string, options: BuildOptions): Promise<void> {
  const { builder, note, signal, pauses = [1_000, 3_000, 9_000] } = options;
  const secrets = Object.values(build.secrets ?? {});
  const environment = onlyBuildSecrets(options.environment, secrets);
  const mask = secretMask(secrets, environment);
  const onLine = (line: string): void => {
    if (line !== "") note(`${build.service} | ${mask(line)}`);
  };
  const attemptBuild = async (attempt: number): Promise<void> => {
    const command = builder.command(build, metadataFile);
    const { succeeded, output: written } = await runBuildProcess(command, { environment, onLine, signal });
    const output = written.map(mask);
    if (!succeeded) throw new BuildError(buildFailure(build, builder, output, attempt), builderMessage(output));
  };
  await retry(attemptBuild, {
    pauses,
    signal,
    isTransient: (error) => error instanceof BuildError && isTransient(error.reason),
    onRetry: (error, pause, attempt) => {
      const reason = error instanceof BuildError ? error.reason : "";
      onLine(`attempt ${attempt} of ${pauses.length + 1} failed, the next one is in ${pause / 1000} s: ${reason}`);
    },
  });
}

/** One attempt has failed. */
class BuildError extends CommandError {
  /** The builder's own message. */
  readonly reason: string;

  constructor(message: string, reason: string) {
    super(message);
    this.reason = reason;
  }
}

/** The file that BuildKit's clients write; its other keys vary with the builder. */
const metadataSchema = z.object({ "containerimage.digest": digestSchema });

export function digestIn(metadata: string): string | undefined {
  const parsed = metadataSchema.safeParse(JSON.parse(metadata));
  return parsed.success ? parsed.data["containerimage.digest"] : undefined;
}

async function pushedDigest({ repository }: ImageBuild, metadataFile: string, registry: Registry): Promise<string> {
  const digest = digestIn(readFileSync(metadataFile, "utf8"));
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

/**
 * The builds of some services, as the program itself declares them with `images.source: build`.
 * @param digests of images that were built just now: what is made from these, is made from them and not from what their tag says
 */
export function imageBuilds(
  monorepo: Monorepo,
  services: readonly Service[],
  { tags, push, keepsLayers = true }: Pick<ImageBuild, "tags" | "push" | "keepsLayers">,
  digests: Digests = {},
): ImageBuild[] {
  const { app, images } = monorepo;
  const bases = baseServices(monorepo);
  const repositoryOf = (service: string): string => imageRepository(images, app.name, service);
  const basesOf = (found: readonly BaseImage[]): Pick<ImageBuild, "bases"> => {
    const built = found.flatMap(({ service, image }): [string, string][] => {
      const digest = digests[service];
      return digest === undefined ? [] : [[image, `${repositoryOf(service)}@${digest}`]];
    });
    return built.length === 0 ? {} : { bases: Object.fromEntries(built) };
  };
  return services.map(({ name, context, dockerfile, target, buildArgs, build, platforms = images.platforms }) => ({
    service: name,
    repository: repositoryOf(name),
    tags,
    context: resolve(context),
    dockerfile: resolve(dockerfile),
    ...(target === undefined ? {} : { target }),
    ...(buildArgs === undefined ? {} : { buildArgs }),
    platforms,
    ...(build?.secrets === undefined ? {} : { secrets: secretVariables({ build }) }),
    ...basesOf(bases.get(name) ?? []),
    push,
    ...(keepsLayers ? {} : { keepsLayers }),
  }));
}

/** Services in groups: those of a group are made from images of groups before, and of services that are not among them. */
export function buildOrder(monorepo: Monorepo, services: readonly Service[]): readonly (readonly Service[])[] {
  const bases = baseServices(monorepo);
  const waiting = new Map(services.map((service) => [service.name, service]));
  const groups: Service[][] = [];
  while (waiting.size > 0) {
    const group = [...waiting.values()].filter(
      ({ name }) => !(bases.get(name) ?? []).some(({ service }) => waiting.has(service)),
    );
    for (const { name } of group) waiting.delete(name);
    groups.push(group);
  }
  return groups;
}
