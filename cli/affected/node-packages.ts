import { posix } from "node:path";
import { z } from "zod";
import { pathWithin, type SourceTree } from "./source-tree.ts";

const namesSchema = z.record(z.string(), z.string()).optional().catch(undefined);

/** The part of a package.json that names its dependencies, workspaces and scripts; npm checks the rest. */
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
  overrides: z.unknown().optional(),
  resolutions: z.unknown().optional(),
  pnpm: z.object({ overrides: z.unknown().optional() }).optional().catch(undefined),
  /** What Nx is told of it: of the form of a project.json. */
  nx: z.unknown().optional(),
});
export type NodePackage = z.infer<typeof packageSchema>;

/** `undefined`: there is no package.json, or an invalid one. */
export function readPackage(tree: SourceTree, directory: string): NodePackage | undefined {
  const text = tree.list(directory).files.includes("package.json")
    ? tree.read(posix.join(directory, "package.json"))
    : undefined;
  try {
    return text === undefined ? undefined : packageSchema.parse(JSON.parse(text));
  } catch {
    // npm reports it when the image is built.
    return undefined;
  }
}

/** The names under which it takes other packages, with what stands for their versions. */
export function packageDependencies(found: NodePackage | undefined): [name: string, version: string][] {
  // Those of development, too: the compilers and settings with which an image is built are there.
  const { dependencies: own, devDependencies, optionalDependencies, peerDependencies } = found ?? {};
  return [own, devDependencies, optionalDependencies, peerDependencies].flatMap((names) => Object.entries(names ?? {}));
}

/** Where a dependency is looked for. */
interface Surroundings {
  /** The package that has it. */
  readonly directory: string;
  /** The root of its workspace. */
  readonly root: string;
  /** Name → directory, of the packages of its workspace. */
  readonly members: ReadonlyMap<string, string>;
}

/** The directory of the monorepo that a dependency means; `undefined`: it is elsewhere. */
export function dependencyDirectory(
  [name, version]: readonly [name: string, version: string],
  { directory, root, members }: Surroundings,
): string | undefined {
  // Under another name: `workspace:@shop/ui@*`.
  const [, alias] = /^(?:workspace|npm):((?:@[^/@]+\/)?[^/@]+)@/.exec(version) ?? [];
  if (alias !== undefined) return members.get(alias);
  // npm, Yarn and Bun take a path without a word before it, too.
  const path = linkedPath(version) ?? (/^\.{1,2}(\/|$)/.test(version) ? version : undefined);
  if (path === undefined) return members.get(name);
  // Behind `workspace:`, pnpm counts paths from the package, and Yarn from the root.
  const fromRoot = version.startsWith("workspace:") ? pathWithin(root, path) : undefined;
  if (fromRoot !== undefined && [...members.values()].includes(fromRoot)) return fromRoot;
  return pathWithin(directory, path);
}

/** The path of a version that is one: `file:../kit`. */
function linkedPath(version: string): string | undefined {
  return /^(?:file|link|portal|workspace):(\.{1,2}(?:\/.*)?|[^*^~\d].*\/.*)$/.exec(version)?.[1];
}
