import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { memoize } from "../affected/source-tree.ts";
import type { CommandContext } from "../command.ts";
import { runTest } from "./run-test.ts";

/** What manages the packages of a Node workspace. */
interface PackageManager {
  /** Installs exactly what the lock file says. */
  readonly install: readonly [command: string, ...args: string[]];
  /** Runs script `test` of the package in the current directory. */
  readonly test: readonly [command: string, ...args: string[]];
}

const npmTest = ["npm", "test"] as const;
const npm: PackageManager = { install: ["npm", "ci", "--no-audit", "--no-fund"], test: npmTest };
const pnpm: PackageManager = { install: ["pnpm", "install", "--frozen-lockfile"], test: npmTest };
const bun: PackageManager = { install: ["bun", "install", "--frozen-lockfile"], test: npmTest };

// A lock file of npm next to another one is often a mistake, so it comes last.
const managers: readonly (readonly [lockFile: string, manager: (root: string) => PackageManager])[] = [
  ["pnpm-lock.yaml", () => pnpm],
  ["yarn.lock", yarn],
  ["bun.lock", () => bun],
  ["bun.lockb", () => bun],
  ["package-lock.json", () => npm],
  ["npm-shrinkwrap.json", () => npm],
];

/** Whose lock file there is in a workspace's root; `undefined`: there is none. */
export function packageManager(root: string): PackageManager | undefined {
  return managers.find(([lockFile]) => existsSync(join(root, lockFile)))?.[1](root);
}

/** Source: https://yarnpkg.com/cli/install, https://classic.yarnpkg.com/en/docs/cli/install, https://yarnpkg.com/configuration/yarnrc#nodeLinker */
function yarn(root: string): PackageManager {
  const modern = /^__metadata:/m.test(readFileSync(join(root, "yarn.lock"), "utf8"));
  if (!modern) return { install: ["yarn", "install", "--frozen-lockfile"], test: npmTest };
  const settings = join(root, ".yarnrc.yml");
  const linked =
    existsSync(settings) && /^nodeLinker:\s*["']?(node-modules|pnpm)\b/m.test(readFileSync(settings, "utf8"));
  // Without node_modules, only Yarn finds the packages.
  return { install: ["yarn", "install", "--immutable"], test: linked ? npmTest : ["yarn", "run", "test"] };
}

/**
 * Installs the dependencies of Node workspaces that have a lock file and no node_modules, as in a fresh checkout: each at most
 * once, whether it succeeds or not. What is said of it goes to standard error.
 * @returns for the root of a workspace, relative to the program: why that failed; `undefined`: nothing is missing
 */
export function workspaceInstaller(context: CommandContext): (root: string) => Promise<string | undefined> {
  return memoize(async (root) => {
    if (["node_modules", ".pnp.cjs"].some((name) => existsSync(join(root, name)))) return undefined;
    const [command, ...args] = packageManager(root)?.install ?? [];
    if (command === undefined) return undefined;
    const title = [command, ...args].join(" ");
    context.note(`── ${title}, since there is no node_modules in ${root}`);
    const reason = await runTest({ command, args, directory: root, environment: {} }, context, context.note);
    return reason === undefined ? undefined : `${title}: ${reason}`;
  });
}
