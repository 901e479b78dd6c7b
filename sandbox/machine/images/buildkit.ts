import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { locateImages, repositoryOfReference } from "../../../core/image-name.ts";
import { cacheDir, withLock } from "../cache.ts";
import { ensureCredentials } from "../credentials.ts";
import { runsOwnMonorepo, sandboxProject, sandboxSettings } from "../endpoints.ts";
import { writePrivate } from "../private-file.ts";
import { removeCgroup } from "../cluster/cgroups.ts";
import { frugalGo, runningPid, startProcess, stopProcess } from "../process.ts";
import { buildkitConfig } from "./buildkit-config.ts";
import { startMirror, stopMirror } from "./mirror/start.ts";
import type { ProvidedRegistry } from "./mirror/provided-images.ts";
import { providedImages } from "./provided.ts";
import { writeStepRuntime } from "./step-runtime.ts";

/** What BuildKit needs of the sandbox; another process reads it from a file. */
export const remoteDockerSchema = z.strictObject({
  stateDir: z.string(),
  tools: z.object({
    buildkitd: z.string(),
    buildctl: z.string(),
    "dockerfile-frontend": z.string(),
  }),
  runc: z.string().optional(),
  busybox: z.string().optional(),
  /** Why one of them is missing. */
  reason: z.string().optional(),
  /** Registry that images are pushed to, as image names have it. */
  registryHost: z.string(),
  /** Variables for the mirror, by `packageSources`. */
  packageSources: z.record(z.string(), z.string()),
});
type RemoteDockerOptions = z.infer<typeof remoteDockerSchema>;

/**
 * Starts BuildKit with the stand-ins for Docker Hub's images if it does not run. The sandbox and its CI may ask at the same
 * time.
 *
 * @param report takes one line of progress
 * @throws Error when this machine cannot build images
 */
export async function startRemoteDocker(
  { stateDir, tools, runc, busybox, reason, registryHost, packageSources }: RemoteDockerOptions,
  report: (line: string) => void,
): Promise<{ address: string; buildctl: string }> {
  if (runc === undefined || busybox === undefined)
    throw new Error(`images cannot be built: ${reason ?? "runc or busybox is missing"}`);
  const waiting = (owner: number, seconds: number): void =>
    report(`BuildKit: waiting for process ${owner}, which starts it … ${seconds} s`);
  return withLock(join(stateDir, "remote-docker.lock"), waiting, async () => {
    const { address } = await startBuildKit({
      stateDir,
      tools,
      runc,
      busybox,
      registryHost,
      packageSources,
      report,
    });
    return { address, buildctl: tools.buildctl };
  });
}

interface BuildKitOptions {
  stateDir: string;
  tools: { buildkitd: string; buildctl: string; "dockerfile-frontend": string };
  runc: string;
  /** Statically linked. */
  busybox: string;
  /** Registry that images are pushed to, as image names have it; spoken to by plain HTTP. */
  registryHost: string;
  /** Variables for the mirror, by `packageSources`. */
  packageSources: Readonly<Record<string, string>>;
  report: (line: string) => void;
}

interface BuildKitEndpoint {
  /** For `buildctl --addr`. */
  address: string;
}

const execute = promisify(execFile);
/** A Unix socket's path has 107 bytes at most. */
const socketPathLimit = 107;

/**
 * Starts BuildKit with the mirror in place of Docker Hub, and of other public registries for the steps of builds.
 * Layers and build caches stay in the cache between sandboxes; a second sandbox that runs at the same time has its own.
 *
 * @throws Error when the machine gives neither root nor user namespaces
 */
export async function startBuildKit(options: BuildKitOptions): Promise<BuildKitEndpoint> {
  const { stateDir, tools } = options;
  const folder = join(stateDir, "buildkit");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const rootless = process.getuid?.() !== 0;
  const isolation = await isolate(rootless);
  options.report(`BuildKit: starting${rootless ? " without root" : ""}`);
  const { busybox, packageSources } = options;
  const mirror = await startMirror({
    stateDir,
    packageSources,
    busybox,
    frontend: tools["dockerfile-frontend"],
    provided: registryAccessFile(stateDir, options.registryHost),
    originFirst: runsOwnMonorepo(stateDir),
  });
  const socket = socketPath(stateDir);
  const address = buildKitAddress(stateDir);
  const config = buildkitConfig({
    root: await rootFolder(stateDir),
    socket,
    runc: writeStepRuntime(folder, {
      runc: options.runc,
      rootless,
      variables: [mirror.variables.go, mirror.variables.npm],
    }),
    rootless,
    cgroup: cgroupName(stateDir),
    mirror: mirror.host,
    registry: options.registryHost,
    mirrored: providedHosts(stateDir),
  });
  const path = join(folder, `buildkitd-${createHash("sha256").update(config).digest("hex").slice(0, 8)}.toml`);
  writeFileSync(path, config);
  makeOwnFolder(dirname(socket));
  await startProcess(stateDir, {
    name: "buildkitd",
    command: "unshare",
    args: [...isolation, "--", tools.buildkitd, "--config", path],
    // Otherwise it looks for settings in the home folder, e.g. the login of the user's own Docker.
    env: { ...frugalGo, ...proxies(packageSources), XDG_RUNTIME_DIR: folder, DOCKER_CONFIG: join(folder, "docker") },
    ready: async () => {
      await execute(tools.buildctl, ["--addr", address, "debug", "workers"], { timeout: 5000 });
    },
  });
  return { address };
}

/** With which the mirror gets what users have provided. The name changes with the content, so that a running mirror is replaced. */
function registryAccessFile(stateDir: string, registryHost: string): string {
  const { username } = sandboxSettings(sandboxProject(stateDir)).images;
  const access = { url: `http://${registryHost}`, username, password: ensureCredentials(stateDir).registryPassword };
  const content = JSON.stringify(access satisfies ProvidedRegistry);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  return writePrivate(join(stateDir, `provided-registry-${hash}.json`), content);
}

/** The registries of images that users have provided. */
function providedHosts(stateDir: string): string[] {
  return [
    ...new Set(providedImages(stateDir).map((image) => locateImages(repositoryOfReference(image)).host)),
  ].toSorted();
}

/** Go leaves them out for this machine. They are for images alone: steps of builds do not get them. */
function proxies(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => /^(https?|no)_proxy$/i.test(name)));
}

/** Stops BuildKit and the mirror. All mounts go with its mount namespace. Does nothing when it does not run. */
export async function stopBuildKit(stateDir: string): Promise<void> {
  await stopProcess(stateDir, "buildkitd");
  await stopMirror(stateDir);
  // Under BuildKit's own folder nothing is noted of controllers: those of the cluster stay as they are.
  if (process.getuid?.() === 0) await removeCgroup(join(stateDir, "buildkit"), cgroupName(stateDir));
  const sockets = dirname(socketPath(stateDir));
  if (sockets !== join(stateDir, "buildkit")) rmSync(sockets, { recursive: true, force: true });
  // Images have folders that even their owner may not write to: without root they could not be removed.
  const root = join(stateDir, "buildkit", "root");
  if (process.getuid?.() !== 0 && existsSync(root)) await execute("chmod", ["--recursive", "u+rwX", root]);
}

/** The folder of temporary files is everybody's: one that another user has made in time would be theirs. */
function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (statSync(folder).uid !== process.getuid?.())
    throw new Error(`${folder} belongs to another user: remove it, or use a checkout with a shorter path.`);
}

/**
 * Arguments of `unshare`: mount and process namespaces of its own, so that neither mounts nor steps of a build survive
 * BuildKit, however it ends; and without root, a user namespace in which it may mount.
 */
async function isolate(rootless: boolean): Promise<string[]> {
  const args = [
    ...(rootless ? ["--user", "--map-root-user"] : []),
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
  ];
  try {
    await execute("unshare", [...args, "--", "true"], { timeout: 10_000 });
    return args;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new Error(
      `Images cannot be built here: that needs root with the capability SYS_ADMIN, or user namespaces (${said}). ` +
        "Run as root, enable user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns), or start the container with --privileged.",
      { cause: error },
    );
  }
}

/** The cache's folder, unless another sandbox's BuildKit works in it. */
async function rootFolder(stateDir: string): Promise<string> {
  const chosen = join(stateDir, "buildkit", "root-folder");
  const running = runningPid(stateDir, "buildkitd") !== undefined;
  if (running && existsSync(chosen)) return readFileSync(chosen, "utf8");
  const shared = join(cacheDir(), `buildkit-${process.getuid?.() ?? 0}`);
  mkdirSync(shared, { recursive: true, mode: 0o700 });
  const free = await execute("flock", ["--nonblock", join(shared, "buildkitd.lock"), "true"]).then(
    () => true,
    () => false,
  );
  const root = free ? shared : join(stateDir, "buildkit", "root");
  writeFileSync(chosen, root);
  return root;
}

/** Where a sandbox's BuildKit listens, whether it runs or not. */
export function buildKitAddress(stateDir: string): string {
  return `unix://${socketPath(stateDir)}`;
}

function socketPath(stateDir: string): string {
  const usual = join(stateDir, "buildkit", "buildkitd.sock");
  return Buffer.byteLength(usual) <= socketPathLimit ? usual : join(tmpdir(), cgroupName(stateDir), "buildkitd.sock");
}

function cgroupName(stateDir: string): string {
  const path = existsSync(stateDir) ? realpathSync(stateDir) : stateDir;
  return `delivery-sandbox-build-${createHash("sha256").update(path).digest("hex").slice(0, 8)}`;
}
