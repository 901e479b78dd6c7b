import { existsSync, mkdirSync, renameSync, rmSync, statfsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { cacheDir, withLock } from "../cache.ts";
import { continueRemovals, removeLater } from "../removal.ts";
import {
  buildPackages,
  checkGo,
  copyFiles,
  downloadModules,
  executableName,
  GoError,
  listPackages,
  removeArchives,
  type GoModule,
  type GoPackages,
} from "./go-build.ts";
import { leftOutFiles } from "./left-out.ts";
import { pulumiOnPath } from "./own-pulumi.ts";
import { writePatchedModules } from "./patched-module.ts";
import { patchesOf } from "./source-patches.ts";
import {
  families,
  familyNames,
  familyOf,
  filesOf,
  moduleFolder,
  packageOf,
  toolPath,
  type ToolName,
} from "./tool-families.ts";

/** Downloaded modules and compiled packages, at their peak. */
const neededBytes = 6e9;

/** Tools on their way: each can be had as soon as it is there, while others are still compiled. */
export interface ToolBuild<T extends ToolName> extends AsyncDisposable {
  /**
   * The absolute path of each.
   * @throws Error that names the tool, with the last lines of the compiler and a hint what to do
   */
  get<N extends T>(...names: readonly N[]): Promise<Record<N, string>>;
}

/**
 * Builds those of the tools that the cache lacks and returns the absolute path of each. Two processes that call it at
 * once build nothing twice; one that was killed is continued by the next.
 *
 * @param report takes one line of progress, at least every ten seconds
 * @throws Error that names the tool, with the last lines of the compiler and a hint what to do
 */
export async function buildTools<T extends ToolName>(
  names: readonly T[],
  report: (line: string) => void,
): Promise<Record<T, string>> {
  await using tools = startTools(names, report);
  return await tools.get(...names);
}

/** The same, one tool after the other; its end stops what is still being built. */
export function startTools<T extends ToolName>(names: readonly T[], report: (line: string) => void): ToolBuild<T> {
  continueRemovals();
  const abort = new AbortController();
  const tools = new Map(names.map((name) => [name, Promise.withResolvers<string>()]));
  // Who does not ask for a tool need not know that it failed.
  for (const { promise } of tools.values()) promise.catch(() => undefined);
  const arrive = (): void => {
    for (const [name, { resolve }] of tools) if (existsSync(toolPath(name))) resolve(toolPath(name));
  };
  const provide = async (): Promise<void> => {
    arrive();
    const own = missing(names).some((name) => name === "pulumi") ? await pulumiOnPath() : undefined;
    if (own !== undefined) tools.get("pulumi" as T)?.resolve(own);
    const lacking = (): T[] => missing(names).filter((name) => name !== "pulumi" || own === undefined);
    if (lacking().length === 0) return;
    const waiting = (owner: number, seconds: number): void => {
      report(`tools: waiting for process ${owner}, which builds them … ${seconds} s`);
      arrive();
    };
    // The process that was waited for may have built all of them.
    await withLock(join(cacheDir(), "tools.lock"), waiting, () => build(lacking(), report, arrive, abort));
    arrive();
  };
  const provided = provide().catch((error: unknown) => {
    for (const { reject } of tools.values()) reject(error);
  });
  return {
    async get<N extends T>(...wanted: readonly N[]) {
      const paths = wanted.map(async (name) => [name, await tools.get(name)?.promise] as const);
      // fromEntries() forgets that its keys are the given names, all of which are there.
      return Object.fromEntries(await Promise.all(paths)) as Record<N, string>;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await provided;
    },
  };
}

async function build(
  names: readonly ToolName[],
  report: (line: string) => void,
  arrive: () => void,
  abort: AbortController,
): Promise<void> {
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
  let stays = false;
  try {
    await checkGo();
    if (!resumed) checkDisk(work);
    for (const [folder, tools] of Map.groupBy(names, (name) => moduleFolder(familyOf(name)))) {
      const prepared = await prepare(folder, tools, work, abort.signal);
      await buildBatches(batchesOf(tools), prepared, bin, report, (tool, built) => {
        publish(built, toolPath(tool));
        arrive();
      });
    }
    report(`tools: built in ${Math.round((Date.now() - started) / 1000)} s`);
  } catch (error) {
    // Whoever stops a build, because something else failed, will want the tools again: what is compiled stays, as after a kill.
    stays = abort.signal.aborted || isOfUse(error, resumed);
    if (stays && !abort.signal.aborted)
      report(`tools: what is compiled stays in ${work}, and the next run goes on from there`);
    throw error;
  } finally {
    // After a failure the downloads for later batches would go on, into a folder that may be removed.
    abort.abort();
    if (!stays) removeLater(work);
  }
}

/** Whether the next run is served by what is compiled: not where the disk has to be freed, or where that itself may be at fault. */
function isOfUse(error: unknown, resumed: boolean): boolean {
  if (!(error instanceof GoError)) return resumed;
  return error.failure === "other" ? !resumed : error.failure !== "full disk";
}

/** A module of tools, with the changed copies of others; and the folders of those whose files are copied. */
interface Prepared {
  module: GoModule;
  sources: ReadonlyMap<string, string>;
}

async function prepare(
  folder: string,
  names: readonly ToolName[],
  work: string,
  signal: AbortSignal,
): Promise<Prepared> {
  const patches = patchesOf(folder);
  const module = {
    folder,
    moduleCache: join(work, "modules"),
    buildCache: join(work, "compiled"),
    signal,
  };
  const files = leftOutFiles(module.folder);
  const changed = new Set([...files, ...patches].map((change) => change.module));
  const copied = names.flatMap((name) => filesOf(name)?.module ?? []);
  const sources = await downloadModules(module, new Set([...changed, ...copied]));
  const originals = new Map([...sources].filter(([name]) => changed.has(name)));
  const modFile = await writePatchedModules(
    module.folder,
    { patches, files },
    originals,
    join(work, "patched", basename(folder)),
  );
  return { module: { ...module, modFile }, sources };
}

/** What is built together; later batches find compiled what they share with earlier ones. */
interface Batch extends GoPackages {
  tools: readonly ToolName[];
}

async function buildBatches(
  batches: readonly Batch[],
  { module, sources }: Prepared,
  bin: string,
  report: (line: string) => void,
  publishTool: (tool: ToolName, built: string) => void,
): Promise<void> {
  // Downloads wait for the network and compilers for the processor: all others download while the first is compiled.
  const first = batches[0] === undefined ? Promise.resolve([]) : listPackages(module, batches[0], report);
  const lists = batches.map((batch, index) =>
    index === 0 ? first : first.then(() => listPackages(module, batch, report)),
  );
  // A failure is told where the list is awaited.
  Promise.all(lists).then(
    () => removeArchives(module),
    () => undefined,
  );
  const compiled = new Set<string>();
  const running: Promise<void>[] = [];
  for (const [index, batch] of batches.entries()) {
    const dependencies = ((await lists[index]) ?? []).filter((name) => !compiled.has(name));
    for (const name of dependencies) compiled.add(name);
    const linking = Promise.withResolvers<void>();
    const run = async (): Promise<void> => {
      await buildPackages(module, batch, dependencies, bin, {
        report: (line) => report(`[${index + 1}/${batches.length}] ${line}`),
        linking: linking.resolve,
      });
      for (const tool of batch.tools) {
        const files = filesOf(tool);
        if (files !== undefined) copyFiles(sources.get(files.module) ?? "", files.paths, join(bin, tool));
        publishTool(tool, join(bin, files === undefined ? executableName(packageOf(tool)) : tool));
      }
    };
    const done = run();
    // It may fail while a later one is compiled; the end tells.
    done.catch(() => undefined);
    running.push(done);
    // The next is compiled while this one is linked.
    await Promise.race([done, linking.promise]);
  }
  await Promise.all(running);
}

function batchesOf(names: readonly ToolName[]): Batch[] {
  return familyNames.flatMap((family) => {
    const tools = names.filter((name) => familyOf(name) === family);
    if (tools.length === 0) return [];
    const packages = tools.filter((tool) => filesOf(tool) === undefined).map(packageOf);
    return [{ title: families[family].title, variables: families[family].variables, packages, tools }];
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
