import { posix } from "node:path";
import { z } from "zod";
import { parseLenientJson } from "../../core/lenient-json.ts";
import { memoize, type SourceTree } from "./source-tree.ts";
import type { TaskRunner } from "./task-runner.ts";

const stringsSchema = z.array(z.string()).optional().catch(undefined);
const inputsSchema = z
  .array(z.union([z.string(), z.looseObject({ glob: z.string().optional() }).transform(({ glob = "" }) => glob)]))
  .optional()
  .catch(undefined);
const tasksSchema = z
  .record(z.string(), z.object({ dependsOn: stringsSchema, inputs: inputsSchema }))
  .optional()
  .catch(undefined);

/** The part of a turbo.json that says what tasks are made from. */
const settingsSchema = z.object({
  extends: stringsSchema,
  globalDependencies: stringsSchema,
  global: z.object({ inputs: inputsSchema }).optional().catch(undefined),
  tasks: tasksSchema,
  // Of earlier versions.
  pipeline: tasksSchema,
});
type Tasks = NonNullable<z.infer<typeof tasksSchema>>;

/**
 * What Turborepo is told of the packages of a workspace: `pkg#task` in `dependsOn`, `inputs` and `globalDependencies`.
 * Source: https://turborepo.com/docs/reference/configuration
 */
export function turboWorkspace(tree: SourceTree, root: string) {
  const settingsAt = memoize((directory) => {
    const name = ["turbo.json", "turbo.jsonc"].find((file) => tree.list(directory).files.includes(file));
    if (name === undefined) return undefined;
    const file = posix.join(directory, name);
    const parsed = settingsSchema.safeParse(parseLenientJson(tree.read(file) ?? ""));
    const { tasks, pipeline, ...settings } = parsed.data ?? {};
    return { ...settings, file, tasks: tasks ?? pipeline ?? {} };
  });
  /** @param members name → directory */
  return (members: ReadonlyMap<string, string>): TaskRunner => {
    const nameAt = new Map([...members].map(([name, at]) => [at, name]));
    /** The directories whose settings those of a package are made of. */
    const bases = memoize((directory): readonly string[] => {
      const found = new Set([directory]);
      // Iterating over a Set also visits what is added meanwhile.
      for (const at of found)
        for (const name of settingsAt(at)?.extends ?? []) {
          const base = members.get(name);
          if (base !== undefined) found.add(base);
        }
      return [...found];
    });
    /** What is said of a task of a package; a task by its whole name is another one than that of all packages. */
    const saidOf = (directory: string, task: string): { at: string; said: Tasks[string] }[] => {
      const common = settingsAt(root)?.tasks ?? {};
      const whole = `${directory === root ? "//" : nameAt.get(directory)}#${task}`;
      const named = Object.hasOwn(common, whole) ? common[whole] : common[task];
      const own = bases(directory).filter((at) => at !== root);
      return [
        ...(named === undefined ? [] : [{ at: directory, said: named }]),
        ...own.flatMap((at) => {
          const said = settingsAt(at)?.tasks[task];
          return said === undefined ? [] : [{ at: directory, said }];
        }),
      ];
    };
    const all = [...new Set([root, ...members.values()])];
    const before = new Map<string, Set<string>>();
    for (const at of all)
      for (const [name, { dependsOn = [] }] of Object.entries(settingsAt(at)?.tasks ?? {})) {
        const task = name.replace(/^.*#/, "");
        const waited = before.get(task) ?? new Set();
        for (const one of dependsOn) waited.add(one.replace(/^.*#|^\^/, ""));
        before.set(task, waited);
      }
    const { globalDependencies = [], global } = settingsAt(root) ?? {};
    const common = [...globalDependencies, ...(global?.inputs ?? [])].map((path) =>
      posix.join(root, inRoot(path) ?? path),
    );
    return {
      before: (task) => before.get(task) ?? [],
      dependencies: (directory, tasks) => {
        const needed = [...tasks].flatMap((task) =>
          saidOf(directory, task).flatMap(({ said }) => said.dependsOn ?? []),
        );
        return needed.flatMap((name) => members.get(name.replace(/#.*$/, "")) ?? []).filter((at) => at !== directory);
      },
      inputs: (directory, tasks) => {
        const own = [...tasks].flatMap((task) =>
          saidOf(directory, task).flatMap(({ at, said }) =>
            (said.inputs ?? []).map((path) => posix.join(inRoot(path) === undefined ? at : root, inRoot(path) ?? path)),
          ),
        );
        const settings = bases(directory).flatMap((at) => settingsAt(at)?.file ?? []);
        return [...common, ...settings, ...own].filter((path) => !path.includes("!") && !path.startsWith("../"));
      },
      // Its words are names of packages.
      named: () => [],
      scripts: () => ({}),
    };
  };
}

/** A path that is said to be from the root of the workspace. */
function inRoot(path: string): string | undefined {
  return /^\$TURBO_ROOT\$\/(.*)$/s.exec(path)?.[1];
}
