import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorMessage } from "../../../core/error.ts";
import { runProcess } from "../../../core/process.ts";
import { retry } from "../../../core/retry.ts";
import { isUnguessable, maskCredential, secretWord } from "../../../core/secret-mask.ts";
import { buildCommand, type ImageBuild } from "./build-command.ts";
import { buildFailure, buildProgress, isTransient } from "./build-output.ts";
import type { RegistryAccess } from "./image-inputs.ts";
import { registryHost, type ImageName } from "./image-name.ts";

/** A running BuildKit daemon and the client that speaks to it. */
export interface BuildKit {
  /** As for `buildctl --addr`, e.g. `unix:///run/buildkit.sock`. */
  address: string;
  /** Path of the `buildctl` executable. */
  buildctl: string;
  /** Where builds keep what they need for a moment, credentials among it; a killed one leaves it there. @default the system's */
  scratch?: string;
}

/** What a build made. */
export interface BuiltImage {
  /** Digest of the manifest, by which a registry knows the image. */
  digest: string;
  /** Digest of the configuration, which Docker calls the image's id. */
  id: string;
}

interface RunOptions {
  buildKit: BuildKit;
  access: RegistryAccess;
  /** Takes the build's newest line. */
  report: (line: string) => void;
  /** Seconds; 0: no limit. */
  timeoutSeconds: number;
}

/** Milliseconds before the second and the third attempt. */
const pauses = [500, 2_000];

/**
 * Builds an image through BuildKit and pushes it. What fails for a transient reason is attempted three times.
 *
 * @throws Error with the cause, the Dockerfile's line and the last lines of the failing step; secret values are left out.
 */
export async function runBuild(build: ImageBuild, options: RunOptions): Promise<BuiltImage> {
  const scratch = options.buildKit.scratch ?? tmpdir();
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  await using credentials = await writeRegistryCredentials(options.access, build.image, scratch);
  const hide = redaction([options.access.password, ...[...build.secretArgs].map((name) => build.args[name] ?? "")]);
  const deadline = options.timeoutSeconds > 0 ? AbortSignal.timeout(options.timeoutSeconds * 1_000) : undefined;
  const folder = await mkdtemp(join(scratch, "delivery-build-"));
  const attempt = async (): Promise<BuiltImage> => {
    const metadataFile = join(folder, "metadata.json");
    const command = buildCommand(build, options.buildKit.address, metadataFile);
    const env = {
      ...process.env,
      ...command.env,
      ...(credentials === undefined ? {} : { DOCKER_CONFIG: credentials.folder }),
    };
    const progress = buildProgress();
    const onLine = (line: string): void => {
      const news = progress.take(line);
      if (news !== undefined) options.report(hide(news));
    };
    if (await runBuildctl(options.buildKit.buildctl, command.args, { env, onLine, signal: deadline }))
      return readMetadata(metadataFile);
    if (deadline?.aborted)
      throw new Error(
        `building ${build.image.full} took longer than ${options.timeoutSeconds} s: raise customTimeouts of the image, or make the build faster`,
      );
    const message = hide(buildFailure(build, options.access, progress));
    throw new BuildError(message, isTransient(progress), hide(progress.messages().at(-1) ?? ""));
  };
  try {
    return await retry(attempt, {
      pauses,
      isTransient: (error) => error instanceof BuildError && error.isTransient,
      onRetry: (error, _pause, number) =>
        options.report(
          `attempt ${number} of ${pauses.length + 1} failed: ${error instanceof BuildError ? error.lastLine : ""}`,
        ),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A build that BuildKit has given up. */
class BuildError extends Error {
  override readonly name = "BuildError";
  readonly isTransient: boolean;
  readonly lastLine: string;

  constructor(message: string, transient: boolean, lastLine: string) {
    super(message);
    this.isTransient = transient;
    this.lastLine = lastLine;
  }
}

/** @returns whether it succeeded; it also fails when the signal ends it */
async function runBuildctl(
  buildctl: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; onLine: (line: string) => void; signal: AbortSignal | undefined },
): Promise<boolean> {
  const { env, onLine, signal } = options;
  try {
    // The progress of a build comes by standard error.
    const onErrorLine = (line: string, stream: "stdout" | "stderr"): void => {
      if (stream === "stderr") onLine(line);
    };
    return (await runProcess(buildctl, args, { env, signal, onLine: onErrorLine })).code === 0;
  } catch (error) {
    if (signal?.aborted === true) return false;
    throw new Error(`cannot run ${buildctl}: ${errorMessage(error)}`, { cause: error });
  }
}

async function readMetadata(file: string): Promise<BuiltImage> {
  // BuildKit's own file, of a pinned version.
  const metadata = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  const digest = metadata["containerimage.digest"];
  const id = metadata["containerimage.config.digest"];
  if (typeof digest !== "string") throw new Error(`BuildKit built an image but told no digest: see its log`);
  return { digest, id: typeof id === "string" ? id : digest };
}

function redaction(secrets: string[]): (text: string) => string {
  const hidden = secrets.filter((value) => value !== "");
  return (text) =>
    hidden.reduce(
      (shown, value) => (isUnguessable(value) ? shown.replaceAll(value, secretWord) : maskCredential(shown, value)),
      text,
    );
}

/** Credentials in a private folder, in the form that Docker's clients read; gone at the end of `await using`. */
interface RegistryCredentials extends AsyncDisposable {
  /** For the environment variable DOCKER_CONFIG. */
  folder: string;
}

/**
 * Writes the credentials for pushing `image` into a folder of its own in `directory`. `undefined` where user or password is missing: then, as with the official
 * plugin, those of the machine's Docker configuration count.
 */
async function writeRegistryCredentials(
  access: RegistryAccess,
  image: ImageName,
  directory: string,
): Promise<RegistryCredentials | undefined> {
  if (access.username === "" || access.password === "") return undefined;
  const auth = Buffer.from(`${access.username}:${access.password}`).toString("base64");
  // They go with the push wherever the image's name leads, also if the server is named differently.
  const servers = [access.server === "" ? image.registry : registryHost(access.server), image.registry];
  const auths = Object.fromEntries(servers.map((server) => [serverKey(server), { auth }]));
  // mkdtemp makes a folder that only its owner can enter.
  const folder = await mkdtemp(join(directory, "delivery-registry-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, "config.json"), JSON.stringify({ auths }), { mode: 0o600 });
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: remove };
}

/** Docker Hub's credentials are kept under the address of its first API. */
function serverKey(server: string): string {
  return ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(server)
    ? "https://index.docker.io/v1/"
    : server;
}
