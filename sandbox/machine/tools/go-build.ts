import { chmodSync, copyFileSync, globSync, mkdirSync, rmSync } from "node:fs";
import { freemem } from "node:os";
import { dirname, join } from "node:path";
import { errorMessage } from "../../../core/error.ts";
import { runProcess, type ProcessOptions } from "../../../core/process.ts";

/** Files of a Go module that are not compiled. */
export interface ModuleFiles {
  /** One of those that the family's module depends on. */
  module: string;
  paths: readonly string[];
}

/** The Go module of all tools, and where Go may work. */
export interface GoModule {
  folder: string;
  /** In place of the folder's own go.mod. @default that one */
  modFile?: string;
  moduleCache: string;
  buildCache: string;
  /** Ends Go's processes. */
  signal: AbortSignal;
}

/** Packages that are built in one go. */
export interface GoPackages {
  title: string;
  packages: readonly string[];
  /** Link-time settings, by variable. */
  variables: Readonly<Record<string, string>>;
}

/** The first release that fetches a newer toolchain by itself when a go.mod asks for one. */
const oldestGo = { major: 1, minor: 21 };
const progressMilliseconds = 10_000;
const lastLines = 20;
const roomyBytes = 6e9;

// Without data for debuggers (a fifth of the compilers' work), paths of this machine, or the state of the checkout.
const buildFlags: readonly string[] = [
  "-mod=readonly",
  "-modcacherw",
  "-buildvcs=false",
  "-trimpath",
  "-gcflags=all=-dwarf=false",
];

/** Everything that shapes a binary apart from its module: part of the name under which the cache keeps it. */
export const goSettings = { buildFlags, cgo: "0" };

/** @throws Error when there is no Go, or one too old to fetch the toolchain that the tools need. */
export async function checkGo(): Promise<void> {
  const install = `Install Go ${oldestGo.major}.${oldestGo.minor} or newer (https://go.dev/dl, or your distribution's backports) and have it on PATH.`;
  const local = { env: { ...process.env, GOTOOLCHAIN: "local" }, cwd: "/" };
  const version = await runGo(["env", "GOVERSION"], local).catch((error: unknown) => {
    throw new Error(`The sandbox builds its tools with Go, and "go" does not run here. ${install}`, { cause: error });
  });
  const [, major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  if (major < oldestGo.major || (major === oldestGo.major && minor < oldestGo.minor)) {
    throw new Error(
      `Go here is ${version.trim() || "of an unknown version"}, too old to build the sandbox's tools. ${install}`,
    );
  }
}

/** Downloads what packages need and returns the names of all packages that go into them. */
export async function listPackages(
  module: GoModule,
  { title, packages: roots }: GoPackages,
  report: (line: string) => void,
): Promise<string[]> {
  if (roots.length === 0) return [];
  let modules = 0;
  const stop = every((seconds) => report(`${title}: downloading, ${modules} modules, ${seconds} s`));
  try {
    const packages = await go(module, ["list", ...flagsOf(module), "-deps", ...roots], (line) => {
      if (line.startsWith("go: downloading")) modules += 1;
    });
    return packages.trim().split("\n");
  } catch (error) {
    throw explainGoError(`${title}: download of the Go modules failed`, error);
  } finally {
    stop();
  }
}

/**
 * Compiles packages into executables in the folder `bin`.
 *
 * @param dependencies those that nothing before has compiled
 * @param linking called when all are compiled, and only the linker works, which leaves a processor idle
 */
export async function buildPackages(
  module: GoModule,
  { title, packages, variables }: GoPackages,
  dependencies: readonly string[],
  bin: string,
  { report, linking }: { report: (line: string) => void; linking: () => void },
): Promise<void> {
  if (packages.length === 0) return;
  const started = Date.now();
  const waiting = new Set(dependencies);
  const progress = (seconds: number): void => {
    const compiled = dependencies.length - waiting.size;
    const step =
      waiting.size === 0
        ? "linking"
        : `compiling, ${compiled} of ${dependencies.length} packages${timeLeft(compiled, dependencies.length, seconds)}`;
    report(`${title}: ${step}, ${seconds} s`);
  };
  progress(0);
  const stop = every(progress);
  const linker = ["-s", "-w", ...Object.entries(variables).map(([name, value]) => `-X=${name}=${value}`)].join(" ");
  try {
    const args = ["build", "-v", ...flagsOf(module), `-ldflags=${linker}`, "-o", `${bin}/`, ...packages];
    await go(module, args, (line) => {
      if (waiting.delete(line) && waiting.size === 0) linking();
    });
    report(`${title}: built in ${Math.round((Date.now() - started) / 1000)} s`);
  } catch (error) {
    throw explainGoError(`${title}: build failed`, error);
  } finally {
    stop();
  }
}

/** An estimate by what is done; at the beginning nothing is known yet. */
function timeLeft(done: number, all: number, seconds: number): string {
  if (seconds < progressMilliseconds / 1000 || done < all / 20) return "";
  return `, some ${Math.ceil(((seconds / done) * (all - done)) / 10) * 10} s left`;
}

/** Brings modules into the module cache, at the versions of go.mod. @returns the folder of each */
export async function downloadModules(
  module: GoModule,
  modules: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  try {
    const output = await go(module, ["mod", "download", "-modcacherw", "-json", ...modules], () => undefined);
    // The command's documented output: an object for each, one after the other; it fails where there is no folder.
    const found = output
      .split(/^(?=\{)/m)
      .filter((text) => text.trim() !== "")
      .map((text) => JSON.parse(text) as { Path: string; Dir: string });
    return new Map(found.map(({ Path, Dir }) => [Path, Dir]));
  } catch (error) {
    throw explainGoError(`the Go modules ${[...modules].join(", ")} cannot be had`, error);
  }
}

/** Copies files of a module's folder into another, each under its own path; scripts can be executed. */
export function copyFiles(from: string, paths: readonly string[], folder: string): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(join(from, path), join(folder, path));
    chmodSync(join(folder, path), path.endsWith(".sh") ? 0o755 : 0o644);
  }
}

/** Removes what was unpacked from: a gigabyte that Go does not read again. */
export function removeArchives({ moduleCache }: GoModule): void {
  for (const archive of globSync(join(moduleCache, "cache", "download", "**", "*.zip")))
    rmSync(archive, { force: true });
}

/** File name that `go build` gives to a package's executable. */
export function executableName(packagePath: string): string {
  const parts = packagePath.split("/").filter((part) => !/^v\d+$/.test(part));
  return parts.at(-1) ?? packagePath;
}

function flagsOf({ modFile }: GoModule): readonly string[] {
  return modFile === undefined ? buildFlags : [...buildFlags, `-modfile=${modFile}`];
}

function go(module: GoModule, args: readonly string[], onLine: (line: string) => void): Promise<string> {
  const { GOOS: _os, GOARCH: _arch, ...inherited } = process.env;
  const env = {
    ...inherited,
    GOMODCACHE: module.moduleCache,
    GOCACHE: module.buildCache,
    // A folder's go.mod says which Go it needs, and nothing around the folder matters.
    GOTOOLCHAIN: "auto",
    GOWORK: "off",
    GO111MODULE: "on",
    CGO_ENABLED: goSettings.cgo,
    ...garbageCollection(),
  };
  return runGo(args, {
    env,
    cwd: module.folder,
    signal: module.signal,
    onLine: (line, stream) => {
      if (stream === "stderr") onLine(line);
    },
  });
}

/** A compiler spends a tenth of its time on the collection of garbage, which can be rarer where there is memory. */
function garbageCollection(): { GOGC?: string } {
  return process.env["GOGC"] === undefined && freemem() > roomyBytes ? { GOGC: "400" } : {};
}

/** @throws Error with all that Go has written to standard error, which {@link explainGoError} reads */
async function runGo(args: readonly string[], options: ProcessOptions): Promise<string> {
  const { code, stdout, stderr } = await runProcess("go", args, options);
  if (code === 0) return stdout.toString();
  throw new Error(stderr.toString().trimEnd() || `go ended ${code === null ? "by a signal" : `with status ${code}`}`);
}

/** Why a Go command has failed, as far as its output says. */
type GoFailure = "full disk" | "network" | "memory" | "other";

/** The error of a Go command, with its last lines and a hint what to do. */
export class GoError extends Error {
  readonly failure: GoFailure;

  constructor(what: string, failure: GoFailure, cause: unknown) {
    const lines = errorMessage(cause)
      .split("\n")
      .filter((line) => line !== "" && !/^go: downloading |^[\w.\-/]+$/.test(line))
      .slice(-lastLines)
      .map((line) => `  ${line}`);
    super(`${what}.\n${lines.join("\n")}\n${hints[failure]}`, { cause });
    this.failure = failure;
  }
}

const hints: Readonly<Record<GoFailure, string>> = {
  "full disk":
    "The disk is full: free about 8 GB (most of it is needed only while building), or point XDG_CACHE_HOME at a bigger one.",
  network:
    'Go\'s module proxy does not answer: "go env GOPROXY" shows which one is used; set GOPROXY (or HTTPS_PROXY) to one that this machine reaches, then run again.',
  memory: "A compiler was killed, most likely for lack of memory: building needs about 4 GB.",
  other: "Run again; if it fails in the same way, the lines above tell what Go objects to.",
};

export function explainGoError(what: string, error: unknown): GoError {
  const output = errorMessage(error);
  const failure = /no space left/i.test(output)
    ? "full disk"
    : /dial tcp|no such host|timeout|connection re|proxyconnect|x509|Forbidden|Bad Gateway|Unavailable|unexpected EOF/i.test(
          output,
        )
      ? "network"
      : /signal: killed/.test(output)
        ? "memory"
        : "other";
  return new GoError(what, failure, error);
}

function every(report: (seconds: number) => void): () => void {
  const started = Date.now();
  const timer = setInterval(() => report(Math.round((Date.now() - started) / 1000)), progressMilliseconds);
  return () => clearInterval(timer);
}
