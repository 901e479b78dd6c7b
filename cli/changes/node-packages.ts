import { posix } from "node:path";
import { z } from "zod";
import { parse } from "yaml";
import { glob } from "./glob.ts";
import { pathWithin, remembered, upwards, type SourceTree } from "./source-tree.ts";

/** The Node packages that a service is made of. */
export interface NodeNeeds {
  /** The directory of its own package. */
  readonly own: string;
  /** The root of its workspace, or its own directory. */
  readonly root: string;
  /** The directories of all packages that it depends on, transitively; its own among them. */
  readonly packages: ReadonlySet<string>;
  /** The directories of the packages of its workspace. */
  readonly members: ReadonlySet<string>;
  /** Whether `npm test` does something in its own package. */
  readonly tested: boolean;
}

const namesSchema = z.record(z.string(), z.string()).optional().catch(undefined);

/** What of a package.json says what it is made of; npm checks the rest. */
const packageSchema = z.object({
  name: z.string().optional().catch(undefined),
  workspaces: z
    .union([z.array(z.string()), z.object({ packages: z.array(z.string()) }).transform(({ packages }) => packages)])
    .optional()
    .catch(undefined),
  scripts: namesSchema,
  dependencies: namesSchema,
  devDependencies: namesSchema,
  optionalDependencies: namesSchema,
  peerDependencies: namesSchema,
});
type NodePackage = z.infer<typeof packageSchema>;

const pnpmSchema = z.object({ packages: z.array(z.string()) });

/** The dependencies between the packages of the monorepo: workspaces, and `file:`, `link:`, `portal:` and `workspace:`. */
export function nodeGraph(tree: SourceTree) {
  const packageAt = remembered((directory) => readPackage(tree, directory));
  const globsAt = remembered((directory) => [
    ...(packageAt(directory)?.workspaces ?? []),
    ...pnpmGlobs(tree, directory),
  ]);
  const membersAt = remembered((root) => {
    const directories = members(tree, root, globsAt(root)).filter((at) => packageAt(at) !== undefined);
    return new Map(directories.map((at) => [packageAt(at)?.name ?? at, at]));
  });
  return {
    /** `undefined`: its directory is in no package of its own */
    needs: (directory: string): NodeNeeds | undefined => {
      const own = upwards(directory).find((at) => packageAt(at) !== undefined);
      if (own === undefined || (own !== directory && globsAt(own).length > 0)) return undefined;
      const around = upwards(own).filter((at) => globsAt(at).length > 0);
      const root = around.find((at) => at === own || [...membersAt(at).values()].includes(own)) ?? own;
      const byName = membersAt(root);
      const packages = new Set([own]);
      // A set that grows while it is walked is walked to its end.
      for (const at of packages)
        for (const [name, version] of dependencies(packageAt(at))) {
          const [, path] = /^(?:file|link|portal|workspace):(\.{1,2}(?:\/.*)?|[^*^~\d].*\/.*)$/.exec(version) ?? [];
          const target = path === undefined ? byName.get(name) : pathWithin(at, path);
          if (target !== undefined) packages.add(target);
        }
      return { own, root, packages, members: new Set(byName.values()), tested: isTested(packageAt(own)) };
    },
  };
}

/** `npm init` writes a script that only says that there is none. */
function isTested(found: NodePackage | undefined): boolean {
  const script = found?.scripts?.["test"];
  return script !== undefined && !script.includes("no test specified");
}

function dependencies(found: NodePackage | undefined): [string, string][] {
  // Those of development, too: the compilers and settings with which an image is built are there.
  const { dependencies: own, devDependencies, optionalDependencies, peerDependencies } = found ?? {};
  return [own, devDependencies, optionalDependencies, peerDependencies].flatMap((names) => Object.entries(names ?? {}));
}

function readPackage(tree: SourceTree, directory: string): NodePackage | undefined {
  const text = tree.list(directory).files.includes("package.json")
    ? tree.read(posix.join(directory, "package.json"))
    : undefined;
  try {
    return text === undefined ? undefined : packageSchema.parse(JSON.parse(text));
  } catch {
    // npm says so, when it builds the image.
    return undefined;
  }
}

function pnpmGlobs(tree: SourceTree, directory: string): string[] {
  if (!tree.list(directory).files.includes("pnpm-workspace.yaml")) return [];
  const parsed = pnpmSchema.safeParse(parse(tree.read(posix.join(directory, "pnpm-workspace.yaml")) ?? ""));
  return parsed.success ? parsed.data.packages : [];
}

/** The directories that the globs of a workspace mean, as far as they have a package.json. */
function members(tree: SourceTree, root: string, globs: readonly string[]): string[] {
  const taken = globs.filter((pattern) => !pattern.startsWith("!"));
  const left = globs.filter((pattern) => pattern.startsWith("!")).map((pattern) => glob(pattern.slice(1)));
  const found = new Set(taken.flatMap((pattern) => expand(tree, root, pattern.replace(/^\.\//, "").split("/"))));
  return [...found].filter((at) => !left.some((matches) => matches(posix.relative(root, at))));
}

function expand(tree: SourceTree, directory: string, [part, ...rest]: readonly string[]): string[] {
  if (part === undefined || part === "") return [directory];
  const below = tree.list(directory).directories.filter((name) => name !== "node_modules" && !name.startsWith("."));
  if (part === "**") {
    const deeper = below.flatMap((name) => expand(tree, posix.join(directory, name), [part, ...rest]));
    return [...expand(tree, directory, rest), ...deeper];
  }
  const matches = glob(part);
  return below.filter(matches).flatMap((name) => expand(tree, posix.join(directory, name), rest));
}
