import { posix } from "node:path";
import { z } from "zod";
import { pathWithin, type SourceTree } from "./source-tree.ts";

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
export type NodePackage = z.infer<typeof packageSchema>;

/** `undefined`: there is no package.json, or a faulty one. */
export function readPackage(tree: SourceTree, directory: string): NodePackage | undefined {
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

/** `npm init` writes a script that only says that there is none. */
export function isTested(found: NodePackage | undefined): boolean {
  const script = found?.scripts?.["test"];
  return script !== undefined && !script.includes("no test specified");
}

/** The names under which it takes other packages, with what stands for their versions. */
export function dependencies(found: NodePackage | undefined): [name: string, version: string][] {
  // Those of development, too: the compilers and settings with which an image is built are there.
  const { dependencies: own, devDependencies, optionalDependencies, peerDependencies } = found ?? {};
  return [own, devDependencies, optionalDependencies, peerDependencies].flatMap((names) => Object.entries(names ?? {}));
}

/**
 * The directory of the monorepo that a dependency of the package in another directory means; `undefined`: it is elsewhere.
 * @param members name → directory, of the packages of its workspace
 */
export function dependencyDirectory(
  directory: string,
  [name, version]: readonly [name: string, version: string],
  members: ReadonlyMap<string, string>,
): string | undefined {
  // Under another name: `workspace:@shop/ui@*`.
  const [, alias] = /^(?:workspace|npm):((?:@[^/@]+\/)?[^/@]+)@/.exec(version) ?? [];
  if (alias !== undefined) return members.get(alias);
  const [, path] = /^(?:file|link|portal|workspace):(\.{1,2}(?:\/.*)?|[^*^~\d].*\/.*)$/.exec(version) ?? [];
  return path === undefined ? members.get(name) : pathWithin(directory, path);
}
