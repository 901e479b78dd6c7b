import { posix } from "node:path";
import { isDocumentation, type Concern } from "./concern.ts";
import type { NodeNeeds } from "./node-packages.ts";
import { upwards } from "./source-tree.ts";

/** What a file is to a service by the dependencies between packages of Node. */
export function nodeConcern(needs: NodeNeeds, file: string): Concern | undefined {
  if (concernsWorkspace(posix.relative(needs.root, file))) return { part: "image", reason: file };
  const at = packageOf(needs, file);
  if (at === undefined || !needs.packages.has(at) || isDocumentation(at, file)) return undefined;
  return { part: "image", reason: at === needs.own ? file : `shared code ${at}` };
}

/** Whether the dependencies alone say what a file is to a service. */
export function isGovernedByNode(needs: NodeNeeds, file: string): boolean {
  return packageOf(needs, file) !== undefined;
}

/** What would be at the place of a file of a package in the others of the workspace. */
export function counterparts(needs: NodeNeeds, file: string): string[] {
  const own = packageOf(needs, file);
  if (own === undefined) return [];
  const within = posix.relative(own, file);
  return [...needs.members].filter((at) => at !== own).map((at) => posix.join(at, within));
}

/** The package that a file is in, or that it is: a submodule is one path. */
function packageOf({ packages, members }: NodeNeeds, file: string): string | undefined {
  return upwards(file).find((at) => packages.has(at) || members.has(at));
}

/** Whether a file at the root of a workspace says what is installed, or how all packages are compiled. */
function concernsWorkspace(file: string): boolean {
  return workspaceFiles.test(file);
}

const workspaceFiles =
  /^(package\.json|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|pnpm-workspace\.yaml|bun\.lockb?|\.npmrc|\.yarnrc(\.yml)?|\.pnpmfile\.cjs|tsconfig[^/]*\.json|patches\/.*|\.yarn\/(patches|plugins|releases)\/.*)$/;
