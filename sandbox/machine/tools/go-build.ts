import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { errorMessage } from "../../../core/error.ts";
import { runProcess, type ProcessOptions } from "../../../core/process.ts";
import { writePatchedModules, type SourcePatch } from "./patched-module.ts";

/** Files of a Go module that are not compiled. */
export interface ModuleFiles {
  /** One of those that the family's module depends on. */
  module: string;
  paths: readonly string[];
}

/** Packages of one Go module that are to be built, and where Go may work. */
export interface GoModule {
  title: string;
  folder: string;
  packages: readonly string[];
  /** Link-time settings, by variable. */
  variables: Readonly<Record<string, string>>;
  patches: readonly SourcePatch[];
  /** Where patched copies of modules go. */
  patchedModules: string;
  moduleCache: string;
  buildCache: string;
  /** Ends Go's processes. */
  signal: AbortSignal;
}

/** The first release that fetches a newer toolchain by itself when a go.mod asks for one. */
const oldestGo = { major: 1, minor: 21 };
const progressMilliseconds = 10_000;
const lastLines = 20;

// Without data for debuggers (a fifth of the compilers' work), paths of this machine, or the state of the checkout.
const buildFlags = ["-mod=readonly", "-modcacherw", "-buildvcs=false", "-trimpath", "-gcflags=all=-dwarf=false"];

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

/** Downloads what the module's packages need and returns the names of all packages that go into them. */
export async function listPackages(module: GoModule, report: (line: string) => void): Promise<string[]> {
  if (module.packages.length === 0) return [];
  let modules = 0;
  const stop = every((seconds) => report(`${module.title}: downloading, ${modules} modules, ${seconds} s`));
  try {
    const packages = await go(module, ["list", ...buildFlags, "-deps", ...module.packages], (line) => {
      if (line.startsWith("go: downloading")) modules += 1;
    });
    return packages.trim().split("\n");
  } catch (error) {
    throw explainGoError(`${module.title}: download of the Go modules failed`, error);
  } finally {
    stop();
  }
}

/** Compiles the module's packages into executables in the folder `bin`. */
export async function buildPackages(
  module: GoModule,
  dependencies: readonly string[],
  bin: string,
  report: (line: string) => void,
): Promise<void> {
  if (module.packages.length === 0) return;
  const started = Date.now();
  const known = new Set(dependencies);
  const compiled = new Set<string>();
  const progress = (seconds: number): void =>
    report(`${module.title}: compiling, ${compiled.size} of ${known.size} packages, ${seconds} s`);
  progress(0);
  const stop = every(progress);
  const linker = ["-s", "-w", ...Object.entries(module.variables).map(([name, value]) => `-X=${name}=${value}`)].join(
    " ",
  );
  try {
    const patched = await patchedFlags(module);
    await go(
      module,
      ["build", "-v", ...buildFlags, ...patched, `-ldflags=${linker}`, "-o", `${bin}/`, ...module.packages],
      (line) => {
        if (known.has(line)) compiled.add(line);
      },
    );
    report(`${module.title}: built in ${Math.round((Date.now() - started) / 1000)} s`);
  } catch (error) {
    throw explainGoError(`${module.title}: build failed`, error);
  } finally {
    stop();
  }
}

/** Copies files of a module that this one depends on into a folder, each under its own path; scripts can be executed. */
export async function copyFiles(
  module: GoModule,
  { module: source, paths }: ModuleFiles,
  folder: string,
): Promise<void> {
  try {
    const from = await sourceFolder(module, source);
    for (const path of paths) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      copyFileSync(join(from, path), join(folder, path));
      chmodSync(join(folder, path), path.endsWith(".sh") ? 0o755 : 0o644);
    }
  } catch (error) {
    throw explainGoError(`${module.title}: the files of ${source} cannot be had`, error);
  }
}

/** What has the build take patched copies of modules, where there are any. */
async function patchedFlags(module: GoModule): Promise<string[]> {
  const { patches, folder, patchedModules } = module;
  if (patches.length === 0) return [];
  const sources = new Map<string, string>();
  for (const { module: source } of patches) sources.set(source, await sourceFolder(module, source));
  return [`-modfile=${writePatchedModules(folder, patches, sources, patchedModules)}`];
}

/** Where Go keeps the source of a module that this one depends on. */
async function sourceFolder(module: GoModule, source: string): Promise<string> {
  const download = await go(module, ["mod", "download", "-modcacherw", "-json", source], () => undefined);
  // The command's documented output; it fails where there is no folder.
  const { Dir: folder } = JSON.parse(download) as { Dir: string };
  return folder;
}

/** File name that `go build` gives to a package's executable. */
export function executableName(packagePath: string): string {
  const parts = packagePath.split("/").filter((part) => !/^v\d+$/.test(part));
  return parts.at(-1) ?? packagePath;
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

/** @throws Error with all that Go has written to standard error, which {@link explainGoError} reads */
async function runGo(args: readonly string[], options: ProcessOptions): Promise<string> {
  const { code, stdout, stderr } = await runProcess("go", args, options);
  if (code === 0) return stdout.toString();
  throw new Error(stderr.toString().trimEnd() || `go ended ${code === null ? "by a signal" : `with status ${code}`}`);
}

/** The error of a Go command with its last lines and a hint what to do. */
export function explainGoError(what: string, error: unknown): Error {
  const output = errorMessage(error);
  const lines = output.split("\n").filter((line) => line !== "" && !/^go: downloading |^[\w.\-/]+$/.test(line));
  const hint = /no space left/i.test(output)
    ? "The disk is full: free about 8 GB (most of it is needed only while building), or point XDG_CACHE_HOME at a bigger one."
    : /dial tcp|no such host|timeout|connection re|proxyconnect|x509|Forbidden|Bad Gateway|Unavailable|unexpected EOF/i.test(
          output,
        )
      ? 'Go\'s module proxy does not answer: "go env GOPROXY" shows which one is used; set GOPROXY (or HTTPS_PROXY) to one that this machine reaches, then run again.'
      : /signal: killed/.test(output)
        ? "A compiler was killed, most likely for lack of memory: building needs about 4 GB."
        : "Run again; if it fails in the same way, the lines above tell what Go objects to.";
  return new Error(
    `${what}.\n${lines
      .slice(-lastLines)
      .map((line) => `  ${line}`)
      .join("\n")}\n${hint}`,
    { cause: error },
  );
}

function every(report: (seconds: number) => void): () => void {
  const started = Date.now();
  const timer = setInterval(() => report(Math.round((Date.now() - started) / 1000)), progressMilliseconds);
  return () => clearInterval(timer);
}
