import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { buildCommand, type ImageBuild } from "./build-command.ts";
import { buildFailure, buildProgress, isTransient, type BuildProgress } from "./build-output.ts";
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

/** Waits before the second and the third attempt, in milliseconds. */
const retryDelays = [500, 2_000];

/**
 * Builds an image through BuildKit and pushes it. What may pass by itself is tried three times.
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
  try {
    for (let attempt = 1; ; attempt += 1) {
      const metadataFile = join(folder, "metadata.json");
      const command = buildCommand(build, options.buildKit.address, metadataFile);
      const env = {
        ...process.env,
        ...command.env,
        ...(credentials === undefined ? {} : { DOCKER_CONFIG: credentials.folder }),
      };
      const progress = buildProgress();
      const succeeded = await runBuildctl(
        options.buildKit.buildctl,
        command.args,
        env,
        progress,
        (line) => options.report(hide(line)),
        deadline,
      );
      if (succeeded) return await readMetadata(metadataFile);
      if (deadline?.aborted)
        throw new Error(
          `building ${build.image.full} took longer than ${options.timeoutSeconds} s: raise customTimeouts of the image, or make the build faster`,
        );
      const pause = retryDelays[attempt - 1];
      if (pause === undefined || !isTransient(progress))
        throw new Error(hide(buildFailure(build, options.access, progress)));
      options.report(
        hide(`attempt ${attempt} of ${retryDelays.length + 1} failed: ${progress.messages().at(-1) ?? ""}`),
      );
      await sleep(pause);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runBuildctl(
  buildctl: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  progress: BuildProgress,
  report: (line: string) => void,
  deadline: AbortSignal | undefined,
): Promise<boolean> {
  const child = spawn(buildctl, args, {
    env,
    stdio: ["ignore", "ignore", "pipe"],
    ...(deadline === undefined ? {} : { signal: deadline }),
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on("error", (error) =>
      error.name === "AbortError"
        ? resolve(null)
        : reject(new Error(`cannot run ${buildctl}: ${error.message}`, { cause: error })),
    );
    child.on("close", resolve);
  });
  const read = (async () => {
    for await (const line of createInterface({ input: child.stderr })) {
      const news = progress.take(line);
      if (news !== undefined) report(news);
    }
  })();
  const [code] = await Promise.all([exit, read]);
  return code === 0;
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
  return (text) => hidden.reduce((shown, value) => shown.replaceAll(value, "[secret]"), text);
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
