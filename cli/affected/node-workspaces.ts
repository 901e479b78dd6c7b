import { posix } from "node:path";
import { z } from "zod";
import { parseYaml } from "../../core/yaml.ts";
import { CommandError } from "../command.ts";
import { glob } from "./glob.ts";
import { globbedDirectories } from "./globbed-directories.ts";
import { dependencyDirectory, type NodePackage } from "./node-packages.ts";
import type { SourceTree } from "./source-tree.ts";

const pnpmSchema = z.object({
  packages: z.array(z.string()).optional().catch(undefined),
  overrides: z.unknown().optional(),
});

/** What the root of a workspace of pnpm says. */
function pnpmSettings(tree: SourceTree, directory: string): z.infer<typeof pnpmSchema> {
  if (!tree.list(directory).files.includes("pnpm-workspace.yaml")) return {};
  const file = posix.join(directory, "pnpm-workspace.yaml");
  const content = parseYaml(tree.read(file) ?? "");
  if ("problem" in content) throw new CommandError(`${file} ${content.problem}`);
  return pnpmSchema.safeParse(content.value).data ?? {};
}

/** The globs of the packages of a workspace. */
export function workspaceGlobs(tree: SourceTree, directory: string, found: NodePackage | undefined): string[] {
  return [...inOrder(found?.workspaces ?? []), ...(pnpmSettings(tree, directory).packages ?? [])];
}

/** The directories that the root of a workspace has in the place of packages from elsewhere. */
export function overridingDirectories(
  tree: SourceTree,
  root: string,
  found: NodePackage | undefined,
  members: ReadonlyMap<string, string>,
): string[] {
  const said = [found?.overrides, found?.resolutions, found?.pnpm?.overrides, pnpmSettings(tree, root).overrides];
  return said
    .flatMap(overridesIn)
    .filter(([, version]) => /^((file|link|portal|workspace|npm):|\.{1,2}\/)/.test(version))
    .flatMap((one) => dependencyDirectory(one, { directory: root, root, members }) ?? []);
}

/** The keys may name whose dependencies they are: `web>ui`, `ui@^1`, or by what they are in. */
function overridesIn(value: unknown): [name: string, version: string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inside]): [string, string][] =>
    typeof inside === "string" ? [[name, inside]] : overridesIn(inside),
  );
}

/** npm passes over what leaves members out, where a later glob means a part of that; pnpm knows no order. */
function inOrder(globs: readonly string[]): string[] {
  return globs.filter((pattern, index) => {
    if (!pattern.startsWith("!")) return true;
    const means = glob(pattern.slice(1));
    return !globs.slice(index + 1).some((later) => !later.startsWith("!") && means(later));
  });
}

/** The directories that the globs of a workspace mean, as far as they have a package.json. */
export function workspaceMembers(tree: SourceTree, root: string, globs: readonly string[]): string[] {
  const included = globs.filter((pattern) => !pattern.startsWith("!"));
  const excluded = globs.filter((pattern) => pattern.startsWith("!")).map((pattern) => glob(pattern.slice(1)));
  const found = new Set(included.flatMap((pattern) => globbedDirectories(tree, root, pattern)));
  return [...found].filter((at) => !excluded.some((matches) => matches(posix.relative(root, at))));
}
