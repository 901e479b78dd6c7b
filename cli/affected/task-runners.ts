import { nxWorkspace } from "./nx.ts";
import { memoize, upwards, type SourceTree } from "./source-tree.ts";
import type { TaskRunner } from "./task-runner.ts";
import { turboWorkspace } from "./turbo.ts";

/** The runners that a workspace has settings for. */
export function taskRunnersIn(tree: SourceTree) {
  const has = (directory: string, ...names: readonly string[]): boolean =>
    tree.list(directory).files.some((name) => names.includes(name));
  const nxAt = memoize((at) => nxWorkspace(tree, at));
  const turboAt = memoize((at) => turboWorkspace(tree, at));
  /** @param members name → directory, of the packages of the workspace @param root of the workspace */
  return (root: string, members: ReadonlyMap<string, string>): TaskRunner => {
    const nx = upwards(root).find((at) => has(at, "nx.json"));
    const runners = [
      ...(nx === undefined ? [] : [nxAt(nx)([...members.values()])]),
      ...(has(root, "turbo.json", "turbo.jsonc") ? [turboAt(root)(members)] : []),
    ];
    return {
      before: (task) => runners.flatMap((runner) => [...runner.before(task)]),
      dependencies: (directory, tasks) => runners.flatMap((runner) => runner.dependencies(directory, tasks)),
      inputs: (directory, tasks) => runners.flatMap((runner) => runner.inputs(directory, tasks)),
      named: (words) => runners.flatMap((runner) => runner.named(words)),
      scripts: (directory) => Object.assign({}, ...runners.map((runner) => runner.scripts(directory))),
    };
  };
}
