import { posix } from "node:path";
import { z } from "zod";
import { stringsIn } from "../../core/yaml.ts";
import type { AffectedBy } from "./affected-by.ts";
import { cargoManifests } from "./cargo-manifests.ts";
import type { CargoBuild } from "./run-instruction.ts";
import { rustReadsIn, type RustReads } from "./rust-sources.ts";
import { isIn, memoize, pathWithin, upwards, type SourceTree } from "./source-tree.ts";
import { parseToml } from "./toml.ts";

/** The crates that a service is made of, by directory. */
export interface CargoNeeds {
  /** What says which crates and versions they are, and how all are compiled. */
  readonly files: ReadonlySet<string>;
  /** Of its image. */
  readonly image: ReadonlySet<string>;
  /** What only the tests of these depend on. */
  readonly tests: ReadonlySet<string>;
  /** What the compiler reads elsewhere: files and directories. */
  readonly outside: ReadonlySet<string>;
  /** Whether it reads no more than all this. */
  readonly understood: boolean;
  /** The directory of the crate that a file is in; of a workspace's root, only its code. */
  readonly crateOf: (file: string) => string | undefined;
  /** Whether code of its image has the name of a file in it, or that of a directory that the file is in. */
  readonly mentions: (file: string) => boolean;
  /** Whether it has a text in it. */
  readonly says: (text: string) => boolean;
}

/** The dependencies between the crates of the monorepo by paths, workspaces and `[patch]`. */
export function cargoGraph(tree: SourceTree) {
  const { manifestAt, rootOf, crateAt, workspaceAt } = cargoManifests(tree);
  const readsIn = rustReadsIn(tree, crateAt);
  const crateOf = memoize((file): string | undefined => {
    const at = upwards(file).find((directory) => crateAt(directory) !== undefined);
    if (at === undefined || manifestAt(at)?.workspace === undefined) return at;
    // Around the other crates is what belongs to the repository.
    const within = at === "." ? file : file.slice(at.length + 1);
    return /^(src|tests|benches|examples)(\/|$)|^(Cargo\.toml|build\.rs)$/.test(within) ? at : undefined;
  });
  /** The crates that one call builds; `undefined`: it is not known. */
  const startsOf = (build: CargoBuild, from: string): readonly string[] | undefined => {
    const at = upwards(from).find((directory) => manifestAt(directory) !== undefined);
    if (at === undefined) return undefined;
    const { members, defaults, root } = workspaceAt(rootOf(at));
    const { packages, binaries } = build;
    const named = members.filter((member) => packages.some((spec) => isNamed(crateAt(member)?.name, spec)));
    if (packages.length > 0) return named.length < packages.length ? undefined : named;
    if (build.workspace) return members;
    const chosen = crateAt(at) !== undefined && at !== root ? [at] : defaults;
    return chosen.length === 0 || (binaries.length > 0 && !hasAll(chosen, binaries)) ? undefined : chosen;
  };
  const hasAll = (chosen: readonly string[], binaries: readonly string[]): boolean =>
    binaries.every((name) => chosen.some((at) => crateAt(at)?.binaries.has(name) === true));
  const closure = (starts: Iterable<string>): Set<string> => {
    const found = new Set(starts);
    // Iterating over a Set also visits what is added meanwhile.
    for (const at of found) for (const next of crateAt(at)?.dependencies ?? []) found.add(next);
    return found;
  };
  return {
    /**
     * @param builds what its Dockerfile builds @param context the root of its build context
     * @returns `undefined`: it is not made with Cargo
     */
    needs: (builds: readonly CargoBuild[], context: string): CargoNeeds | undefined => {
      if (builds.length === 0) return undefined;
      const calls = builds.flatMap((build) =>
        build.directories.flatMap((path) => {
          const from = pathWithin(context, path);
          return from === undefined ? [] : [{ from, build, starts: startsOf(build, from) }];
        }),
      );
      const chosen = calls.flatMap(({ starts = [], build: { packages, binaries } }) =>
        // What is not built with the program that is named still has a say in the features of what is.
        packages.length > 0 || binaries.length === 0
          ? starts
          : starts.filter((at) => binaries.some((name) => crateAt(at)?.binaries.has(name) === true)),
      );
      const roots = [...new Set(calls.map(({ from }) => rootOf(from)))];
      const around = [...new Set([...calls.map(({ from }) => from), ...roots].flatMap(upwards))];
      const replacing = around.flatMap((at) => configuredPaths(tree, at)).filter((at) => crateAt(at) !== undefined);
      const image = closure([...chosen, ...roots.flatMap((root) => workspaceAt(root).patched), ...replacing]);
      const forTests = closure([...image].flatMap((at) => crateAt(at)?.forTests ?? []));
      const allRoots = [...new Set([...roots, ...[...image].map(rootOf)])];
      const settings = [...new Set([...around, ...allRoots.flatMap(upwards)])];
      const configured = settings.flatMap((at) => configuredPaths(tree, at));
      const reads = [...image].map(readsIn);
      const says = (text: string): boolean => reads.some(({ mentions }) => mentions(text));
      // A path from the root of the workspace is one behind a variable that Cargo is told to fill in with that.
      const bases = settings.flatMap((at) => relativeVariables(tree, at));
      const named = allRoots
        .flatMap((root) => workspaceAt(root).members)
        .filter((at) => !image.has(at) && bases.some((base) => isIn(base, at) && says(posix.relative(base, at))));
      const runInCompiler = closure([...image].flatMap((at) => crateAt(at)?.forBuildScript ?? []));
      return {
        files: new Set([
          ...allRoots.flatMap((at) => [posix.join(at, "Cargo.toml"), posix.join(at, "Cargo.lock")]),
          ...calls.flatMap(({ starts = [] }) => starts.map((at) => posix.join(at, "Cargo.toml"))),
          ...settings.flatMap((at) => settingFiles.map((name) => posix.join(at, name))),
        ]),
        image,
        tests: new Set([...forTests].filter((at) => !image.has(at))),
        outside: new Set([...reads.flatMap(({ outside }) => [...outside]), ...configured, ...named]),
        understood:
          calls.length > 0 &&
          calls.every(({ starts }) => starts !== undefined) &&
          reads.every(({ understood }) => understood) &&
          [...runInCompiler].every((at) => !readsIn(at).searches()),
        crateOf,
        mentions: (file) => file.split("/").some((part) => isMentioned(part, reads)),
        says,
      };
    },
  };
}

/**
 * Those of Cargo and rustup, and what SQLx' macros had before `.sqlx`.
 * Source: https://doc.rust-lang.org/cargo/reference/config.html and https://rust-lang.github.io/rustup/overrides.html
 */
const settingFiles = [".cargo/config", ".cargo/config.toml", "rust-toolchain", "rust-toolchain.toml", "sqlx-data.json"];

/** What settings of Cargo name in the monorepo: vendored sources, overrides, linkers. */
function configuredPaths(tree: SourceTree, directory: string): string[] {
  return stringsIn(cargoSettings(tree, directory))
    .flatMap((path) => [pathWithin(directory, path) ?? [], pathWithin(posix.join(directory, ".cargo"), path) ?? []])
    .flat()
    .filter((path) => path !== "." && path !== directory && tree.kind(path) !== undefined);
}

/** What each file of settings in a directory says. */
function cargoSettings(tree: SourceTree, directory: string): unknown[] {
  if (!tree.list(directory).directories.includes(".cargo")) return [];
  return [".cargo/config", ".cargo/config.toml"].map((file) => parseToml(tree.read(posix.join(directory, file)) ?? ""));
}

const environmentSchema = z.object({
  env: z.record(z.string(), z.union([z.string(), z.object({ value: z.string(), relative: z.boolean().optional() })])),
});

/** The directories that variables stand for which count from where the settings are. */
function relativeVariables(tree: SourceTree, directory: string): string[] {
  return cargoSettings(tree, directory).flatMap((settings) => {
    const parsed = environmentSchema.safeParse(settings);
    return Object.values(parsed.data?.env ?? {}).flatMap((one) =>
      typeof one === "object" && one.relative === true ? (pathWithin(directory, one.value) ?? []) : [],
    );
  });
}

/** Whether what `-p` says means a package: its name, also with a version. */
function isNamed(name: string | undefined, spec: string): boolean {
  return name !== undefined && (spec === name || spec.startsWith(`${name}@`) || spec.startsWith(`${name}:`));
}

/** Hidden files are those of tools that find them by themselves. */
function isMentioned(name: string, reads: readonly RustReads[]): boolean {
  return name.startsWith(".") || reads.some(({ mentions }) => mentions(name));
}

/** How a file affects the image of a service by the dependencies between crates. @param own the service's directory */
export function matchCargo(needs: CargoNeeds, own: string, file: string): AffectedBy | undefined {
  if (needs.files.has(file) || upwards(file).some((at) => needs.outside.has(at)))
    return { part: "image", reason: file };
  const crate = needs.crateOf(file);
  if (crate === undefined || !needs.image.has(crate) || isBesideSources(needs, crate, file)) return undefined;
  return { part: "image", reason: isIn(own, file) ? file : `shared code ${crate}` };
}

/** Whether only the tests of the crates of a service have a file. */
export function isTestedByCargo(needs: CargoNeeds, file: string): boolean {
  const crate = needs.crateOf(file);
  return crate !== undefined && (needs.tests.has(crate) || isBesideSources(needs, crate, file));
}

/** Whether a file is in a directory of a crate that only its tests compile, unless a source has the name of that directory in it. */
function isBesideSources({ image, says }: CargoNeeds, crate: string, file: string): boolean {
  const [, directory] = /^(tests|benches|examples)\//.exec(posix.relative(crate, file)) ?? [];
  return directory !== undefined && image.has(crate) && !says(`${directory}/`);
}

/**
 * Whether Cargo takes nothing of a file that the stage has.
 * @param alone whether nothing but Cargo works with it, and the image has it only as far as it is compiled
 */
export function isLeftOutByCargo(needs: CargoNeeds, file: string, alone: boolean): boolean {
  const crate = needs.crateOf(file);
  if (crate !== undefined) return !needs.image.has(crate) || isBesideSources(needs, crate, file);
  return alone && !needs.mentions(file);
}
