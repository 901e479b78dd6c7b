import { posix } from "node:path";
import { z } from "zod";
import { globbedDirectories } from "./globbed-directories.ts";
import { parseToml } from "./toml.ts";
import { isIn, memoize, pathWithin, upwards, type SourceTree } from "./source-tree.ts";

/** A package of Cargo, as its Cargo.toml says. Directories are from the root of the monorepo. */
export interface Crate {
  readonly name: string;
  /** The names of its programs. */
  readonly binaries: ReadonlySet<string>;
  /** The directories of its dependencies in the monorepo, those of its build script among them. */
  readonly dependencies: readonly string[];
  /** What only its tests depend on. */
  readonly forTests: readonly string[];
  /** The directories of those of its dependencies that its build script takes. */
  readonly forBuildScript: readonly string[];
  /** The names of what its build script takes from elsewhere. */
  readonly foreignForBuildScript: readonly string[];
  /** Its file; `undefined`: there is none. */
  readonly buildScript: string | undefined;
  /** Whether its code runs in the compiler. */
  readonly procMacro: boolean;
  /** What is said to other programs, as JSON. */
  readonly metadata: string;
  /** The sources of its library, programs and build script, as far as the manifest says. */
  readonly sources: readonly string[];
}

/** What one call of Cargo works in. */
interface CargoWorkspace {
  readonly root: string;
  readonly members: readonly string[];
  /** What is built at its root if nothing is named. */
  readonly defaults: readonly string[];
  /** What takes the place of packages from elsewhere. */
  readonly patched: readonly string[];
}

/** Reads manifests, each once. What is invalid is as if it were not there: Cargo reports it. */
export function cargoManifests(tree: SourceTree) {
  const manifestAt = memoize((directory) =>
    tree.list(directory).files.includes("Cargo.toml")
      ? readManifest(tree.read(posix.join(directory, "Cargo.toml")) ?? "")
      : undefined,
  );
  /** Cargo takes what is left out for paths and no globs, and what is named among the members is one all the same. */
  const isExcluded = (root: string, directory: string): boolean => {
    const { members = [], exclude = [] } = manifestAt(root)?.workspace ?? {};
    const isBelow = (path: string): boolean => {
      const at = pathWithin(root, path);
      return at !== undefined && isIn(at, directory);
    };
    return exclude.some(isBelow) && !members.some(isBelow);
  };
  const rootOf = memoize((directory): string => {
    const own = manifestAt(directory)?.package?.workspace;
    const said = own === undefined ? undefined : pathWithin(directory, own);
    const around = upwards(directory).find((at) => {
      return manifestAt(at)?.workspace !== undefined && !(isExcluded(at, directory) && at !== directory);
    });
    return said ?? around ?? directory;
  });
  const crateAt = memoize((directory) => {
    const manifest = manifestAt(directory);
    if (manifest?.package === undefined) return undefined;
    const root = rootOf(directory);
    return readCrate(tree, directory, manifest, root, manifestAt(root)?.workspace?.dependencies ?? {});
  });
  const workspaceAt = memoize((root): CargoWorkspace => {
    const { package: own, workspace, patch = {}, replace = {} } = manifestAt(root) ?? {};
    const meant = (globs: readonly string[]): string[] => globs.flatMap((path) => globbedDirectories(tree, root, path));
    const found = meant(workspace?.members ?? []).filter((at) => crateAt(at) !== undefined && !isExcluded(root, at));
    const members = new Set(own === undefined ? found : [root, ...found]);
    // Iterating over a Set also visits what is added meanwhile.
    for (const member of members)
      for (const at of [...(crateAt(member)?.dependencies ?? []), ...(crateAt(member)?.forTests ?? [])])
        if (rootOf(at) === root && crateAt(at) !== undefined) members.add(at);
    const defaults = meant(workspace?.["default-members"] ?? []);
    const rest = own === undefined ? [...members] : [root];
    return {
      root,
      members: [...members],
      defaults: defaults.length > 0 ? defaults : rest,
      patched: [...Object.values(patch), replace].flatMap((taken) => pathsOf(root, taken, {}, root)),
    };
  });
  return { manifestAt, rootOf, crateAt, workspaceAt };
}

const dependencySchema = z.union([
  z.string().transform(() => ({ path: undefined, workspace: undefined, package: undefined })),
  z.object({ path: z.string().optional(), workspace: z.boolean().optional(), package: z.string().optional() }),
]);
const dependenciesSchema = z.record(z.string(), dependencySchema).optional();
type Dependencies = z.infer<typeof dependenciesSchema>;
const tables = {
  dependencies: dependenciesSchema,
  "build-dependencies": dependenciesSchema,
  build_dependencies: dependenciesSchema,
  "dev-dependencies": dependenciesSchema,
  dev_dependencies: dependenciesSchema,
};
const targetsSchema = z.array(z.object({ name: z.string().optional(), path: z.string().optional() })).optional();

/** Source: https://doc.rust-lang.org/cargo/reference/manifest.html and workspaces.html */
const manifestSchema = z.object({
  ...tables,
  package: z
    .object({
      name: z.string(),
      workspace: z.string().optional(),
      build: z.union([z.string(), z.boolean(), z.array(z.string())]).optional(),
      metadata: z.unknown().optional(),
    })
    .optional(),
  lib: z
    .object({
      path: z.string().optional(),
      "proc-macro": z.boolean().optional(),
      proc_macro: z.boolean().optional(),
    })
    .optional(),
  bin: targetsSchema,
  target: z.record(z.string(), z.object(tables)).optional(),
  workspace: z
    .object({
      members: z.array(z.string()).optional(),
      exclude: z.array(z.string()).optional(),
      "default-members": z.array(z.string()).optional(),
      dependencies: dependenciesSchema,
    })
    .optional(),
  patch: z.record(z.string(), z.record(z.string(), dependencySchema)).optional(),
  replace: dependenciesSchema,
});
type Manifest = z.infer<typeof manifestSchema>;

function readManifest(text: string): Manifest | undefined {
  const parsed = manifestSchema.safeParse(parseToml(text));
  return parsed.success ? parsed.data : undefined;
}

function readCrate(
  tree: SourceTree,
  directory: string,
  manifest: Manifest,
  root: string,
  shared: NonNullable<Dependencies>,
): Crate {
  const { package: own, lib, bin = [], target = {} } = manifest;
  const name = own?.name ?? "";
  const all = [manifest, ...Object.values(target)];
  const normal = all.map(({ dependencies }) => dependencies);
  const forBuild = all.flatMap((table) => [table["build-dependencies"], table.build_dependencies]);
  const forTests = all.flatMap((table) => [table["dev-dependencies"], table.dev_dependencies]);
  const paths = (taken: readonly Dependencies[]): string[] =>
    taken.flatMap((table) => pathsOf(directory, table, shared, root));
  const scripts = buildScripts(tree, directory, own?.build);
  const given = [lib?.path, ...bin.map(({ path }) => path)].flatMap((path) => path ?? []);
  const inBin = tree.list(posix.join(directory, "src/bin"));
  const binaries = [...bin.flatMap((one) => one.name ?? []), ...inBin.files.map((file) => file.replace(/\.rs$/, ""))];
  return {
    name,
    binaries: new Set([name, ...binaries, ...inBin.directories]),
    dependencies: paths([...normal, ...forBuild]),
    forTests: paths(forTests),
    forBuildScript: paths(forBuild),
    foreignForBuildScript: forBuild.flatMap((table) =>
      Object.entries(table ?? {}).flatMap(([key, taken]) => {
        const meant = taken.workspace === true ? (shared[key] ?? taken) : taken;
        return meant.path === undefined ? [meant.package ?? taken.package ?? key] : [];
      }),
    ),
    buildScript: scripts[0],
    metadata: JSON.stringify(own?.metadata ?? {}),
    procMacro: (lib?.["proc-macro"] ?? lib?.proc_macro) === true,
    sources: [...given.flatMap((path) => pathWithin(directory, path) ?? []), ...scripts],
  };
}

type BuildKey = NonNullable<Manifest["package"]>["build"];

function buildScripts(tree: SourceTree, directory: string, build: BuildKey): string[] {
  if (build === false) return [];
  if (build === undefined || build === true)
    return tree.list(directory).files.includes("build.rs") ? [posix.join(directory, "build.rs")] : [];
  return [build].flat().flatMap((path) => pathWithin(directory, path) ?? []);
}

/** The directories of what a table of dependencies takes by path. @param shared what the workspace says of those that it shares */
function pathsOf(directory: string, table: Dependencies, shared: NonNullable<Dependencies>, root: string): string[] {
  return Object.entries(table ?? {}).flatMap(([key, { path, workspace }]) => {
    if (path !== undefined) return pathWithin(directory, path) ?? [];
    const common = workspace === true ? shared[key]?.path : undefined;
    return common === undefined ? [] : (pathWithin(root, common) ?? []);
  });
}
