import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDir, withLock } from "../cache.ts";
import { families, familyNames, familyOf, filesOf, packageOf, type ToolName } from "./families.ts";
import { buildPackages, checkGo, copyFiles, executableName, goSettings, listPackages, type GoModule } from "./go.ts";

/** Downloaded modules and compiled packages, at their peak. */
const neededBytes = 10e9;

/**
 * Builds those of the tools that the cache lacks and returns the absolute path of each. Two processes that call it at
 * once build nothing twice; one that was killed is continued by the next.
 *
 * @param report takes one line of progress, at least every ten seconds
 * @throws Error that names the tool, the last lines of the compiler and the way out
 */
export async function buildTools<T extends ToolName>(
  names: readonly T[],
  report: (line: string) => void,
): Promise<Record<T, string>> {
  const paths = Object.fromEntries(names.map((name) => [name, toolPath(name)]));
  if (missing(names).length > 0) {
    await withLock(
      join(cacheDir(), "tools.lock"),
      (owner, seconds) => report(`tools: waiting for process ${owner}, which builds them … ${seconds} s`),
      // The process waited for may have built all of them.
      async () => build(missing(names), report),
    );
  }
  // fromEntries() forgets that its keys are the given names.
  return paths as Record<T, string>;
}

/** Where the cache holds a tool: in a folder named by everything that the binary is made from. */
export function toolPath(name: ToolName): string {
  const family = familyOf(name);
  return join(
    cacheDir(),
    "tools",
    `${family}-${familyKey(join(import.meta.dirname, family), { ...families[family], ...goSettings })}`,
    name,
  );
}

/** Hash of a family's files and settings. The Go version is the one that go.mod asks for: an upgrade of the machine's Go rebuilds nothing. */
export function familyKey(folder: string, settings: object): string {
  const hash = createHash("sha256").update(JSON.stringify([settings, process.platform, process.arch]));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.go$|^go\.(mod|sum)$/.test(file),
  );
  for (const file of files.toSorted()) hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 16);
}

async function build(names: readonly ToolName[], report: (line: string) => void): Promise<void> {
  if (names.length === 0) return;
  const started = Date.now();
  // Under the lock nobody else uses this folder. What a killed run has compiled is used again: Go checks its caches itself.
  const work = join(cacheDir(), "building");
  const resumed = existsSync(work);
  const bin = join(work, "bin");
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  report(
    `tools: building ${names.join(", ")} from source, once per machine${resumed ? " (continues an interrupted build)" : ""}`,
  );
  const abort = new AbortController();
  try {
    await checkGo();
    if (!resumed) checkDisk(work);
    const batches = batchesOf(names, work, abort.signal);
    // Downloads wait for the network and compilers for the processor: all families download while the first is compiled.
    const lists = batches.map(({ module }) => listPackages(module, report));
    for (const list of lists) list.catch(() => undefined);
    for (const [index, { module, tools }] of batches.entries()) {
      await buildPackages(module, (await lists[index]) ?? [], bin, (line) =>
        report(`[${index + 1}/${batches.length}] ${line}`),
      );
      for (const tool of tools) {
        const files = filesOf(tool);
        if (files !== undefined) await copyFiles(module, files, join(bin, tool));
        publish(join(bin, files === undefined ? executableName(packageOf(tool)) : tool), toolPath(tool));
      }
    }
    report(`tools: built in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    // After a failure the other families' downloads would go on, into a folder that is being removed.
    abort.abort();
    rmSync(work, { recursive: true, force: true });
  }
}

function batchesOf(
  names: readonly ToolName[],
  work: string,
  signal: AbortSignal,
): { module: GoModule; tools: ToolName[] }[] {
  return familyNames.flatMap((family) => {
    const tools = names.filter((name) => familyOf(name) === family);
    if (tools.length === 0) return [];
    const { title, variables } = families[family];
    const module = {
      title,
      variables,
      signal,
      folder: join(import.meta.dirname, family),
      packages: tools.filter((tool) => filesOf(tool) === undefined).map(packageOf),
      moduleCache: join(work, "modules"),
      buildCache: join(work, "compiled"),
    };
    return [{ module, tools }];
  });
}

function checkDisk(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free < neededBytes) {
    throw new Error(
      `${folder}: ${(free / 1e9).toFixed(1)} GB are free, building the sandbox's tools takes ${neededBytes / 1e9} GB for a while (0.5 GB stay). ` +
        "Free some, or point XDG_CACHE_HOME at a bigger disk.",
    );
  }
}

function publish(built: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  renameSync(built, path);
}

function missing<T extends ToolName>(names: readonly T[]): T[] {
  return names.filter((name) => !existsSync(toolPath(name)));
}
