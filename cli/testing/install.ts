import { existsSync } from "node:fs";
import { join } from "node:path";
import { remembered } from "../changes/source-tree.ts";
import type { Surroundings } from "../command.ts";
import { packageManager } from "./package-manager.ts";
import { runTest } from "./run-test.ts";

/**
 * Installs the dependencies of Node workspaces that have a lock file and no node_modules, as in a fresh checkout: each at most
 * once, whether it succeeds or not. What is said of it goes to standard error.
 * @returns for the root of a workspace, relative to the program: why that failed; `undefined`: nothing is missing
 */
export function workspaceInstaller(surroundings: Surroundings): (root: string) => Promise<string | undefined> {
  return remembered(async (root) => {
    if (["node_modules", ".pnp.cjs"].some((name) => existsSync(join(root, name)))) return undefined;
    const [command, ...args] = packageManager(root)?.install ?? [];
    if (command === undefined) return undefined;
    const title = [command, ...args].join(" ");
    surroundings.note(`── ${title}, since there is no node_modules in ${root}`);
    const reason = await runTest({ command, args, directory: root, environment: {} }, surroundings, surroundings.note);
    return reason === undefined ? undefined : `${title}: ${reason}`;
  });
}
