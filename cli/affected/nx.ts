import { posix } from "node:path";
import { z } from "zod";
import { parseLenientJson } from "../../core/lenient-json.ts";
import { stringsIn } from "../../core/yaml.ts";
import { glob } from "./glob.ts";
import { readPackage } from "./node-packages.ts";
import { matchProjects } from "./nx-projects.ts";
import { memoize, once, pathWithin, type SourceTree } from "./source-tree.ts";
import type { TaskRunner } from "./task-runner.ts";

const stringsSchema = z.array(z.string()).optional().catch(undefined);
const projectsSchema = z.union([z.string().transform((name) => [name]), z.array(z.string())]).optional();
const inputSchema = z.union([
  z.string().transform((fileset) => ({ fileset, json: undefined, input: undefined, projects: undefined })),
  z.object({
    fileset: z.string().optional(),
    json: z.string().optional(),
    input: z.string().optional(),
    projects: projectsSchema,
  }),
]);
const inputsSchema = z.array(inputSchema).optional().catch(undefined);
const taskSchema = z.union([
  z.string().transform((target) => ({ target, projects: undefined })),
  z.object({ target: z.string().default(""), projects: projectsSchema }),
]);
const targetSchema = z.object({
  executor: z.string().optional().catch(undefined),
  command: z.string().optional().catch(undefined),
  options: z.unknown().optional(),
  dependsOn: z.array(taskSchema).optional().catch(undefined),
  inputs: inputsSchema,
});
const namedInputsSchema = z.record(z.string(), inputsSchema).optional().catch(undefined);

/** The part of a project.json, or of `nx` in a package.json, that says what a project is made from. */
const projectSchema = z.object({
  name: z.string().optional().catch(undefined),
  tags: stringsSchema,
  implicitDependencies: stringsSchema,
  targets: z.record(z.string(), targetSchema).optional().catch(undefined),
  namedInputs: namedInputsSchema,
});

/** That of an nx.json. */
const workspaceSchema = z.object({
  namedInputs: namedInputsSchema,
  // For one target there may be several, each for some projects.
  targetDefaults: z
    .record(z.string(), z.union([z.array(targetSchema), targetSchema.transform((one) => [one])]))
    .optional()
    .catch(undefined),
  // They find targets of their own.
  plugins: z.array(z.unknown()).optional().catch(undefined),
  // Of earlier versions: files, and the projects that these concern.
  implicitDependencies: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

type Target = z.infer<typeof targetSchema>;
type Inputs = NonNullable<Target["inputs"]>;
type Project = z.infer<typeof projectSchema> & {
  readonly name: string;
  readonly directory: string;
  /** The scripts of its package.json are targets, too. */
  readonly scripts: Readonly<Record<string, string>>;
};

/**
 * What Nx is told of projects: `implicitDependencies`, the projects in `dependsOn`, and files of others in `inputs`.
 * Source: https://nx.dev/reference/project-configuration and https://nx.dev/reference/nx-json
 */
export function nxWorkspace(tree: SourceTree, root: string) {
  const settings = once(() => settingsIn(workspaceSchema, tree.read(posix.join(root, "nx.json"))) ?? {});
  const projectAt = memoize((directory): Project => {
    const { nx, name, scripts = {} } = readPackage(tree, directory) ?? {};
    const file = settingsIn(projectSchema, tree.read(posix.join(directory, "project.json")));
    const inside = projectSchema.safeParse(nx).data;
    const found = { ...inside, ...file, targets: { ...inside?.targets, ...file?.targets } };
    return { ...found, name: found.name ?? name ?? posix.basename(directory), directory, scripts };
  });
  const withFile = once(() => projectsBelow(tree, root));
  /** @param members the directories of the packages of the workspace */
  return (members: readonly string[]): TaskRunner => {
    const projects = new Map([...new Set([...members, ...withFile()])].map((at) => [at, projectAt(at)]));
    const all = [...projects.values()];
    const byName = new Map(all.map((project) => [project.name, project]));
    const meant = (patterns: readonly string[] = []): string[] =>
      matchProjects(
        patterns,
        all.map((project) => ({ ...project, within: posix.relative(root, project.directory) })),
      ).map(({ directory }) => directory);
    /** What is said of a task of a project: by the project itself, else for all. */
    const saidOf = <Key extends "dependsOn" | "inputs">(project: Project, task: string, key: Key): Target[Key][] => {
      const own = project.targets?.[task];
      if (own?.[key] !== undefined) return [own[key]];
      const { plugins = [] } = settings();
      if (own === undefined && !Object.hasOwn(project.scripts, task) && plugins.length === 0) return [];
      return Object.entries(settings().targetDefaults ?? {}).flatMap(([name, defaults]) =>
        name === task || name === own?.executor || glob(name)(task) ? defaults.map((one) => one[key]) : [],
      );
    };
    const dependsOn = (project: Project, task: string) =>
      saidOf(project, task, "dependsOn").flatMap((one) => one ?? []);
    const inputsOf = (project: Project, task: string) => saidOf(project, task, "inputs").flatMap((one) => one ?? []);
    /** Inputs may stand for others by a name. */
    const spelledOut = (project: Project, inputs: Inputs): Inputs => {
      const named = { ...settings().namedInputs, ...project.namedInputs };
      const found = new Set(inputs);
      // Iterating over a Set also visits what is added meanwhile.
      for (const { fileset, input } of found)
        for (const one of named[input ?? fileset?.replace(/^\^/, "") ?? ""] ?? []) found.add(one);
      return [...found];
    };
    return {
      before: memoize((task) =>
        all
          .flatMap((project) => dependsOn(project, task))
          .flatMap(({ target }) => [target.replace(/^\^/, ""), target.replace(/^[^:]*:/, "")]),
      ),
      dependencies: (directory, tasks) => {
        const project = projects.get(directory);
        if (project === undefined) return [];
        const waited = [...tasks].flatMap((task) => dependsOn(project, task));
        const inputs = spelledOut(
          project,
          [...tasks].flatMap((task) => inputsOf(project, task)),
        );
        const found = [
          ...meant(implicitPatterns(project.implicitDependencies ?? [])),
          ...waited.flatMap(({ target, projects: patterns }) =>
            patterns === undefined ? (byName.get(target.split(":", 1)[0] ?? "")?.directory ?? []) : meant(patterns),
          ),
          ...inputs.flatMap(({ projects: patterns }) => meant(patterns)),
        ];
        return found.filter((at) => at !== directory);
      },
      inputs: (directory, tasks) => {
        const project = projects.get(directory);
        if (project === undefined) return [];
        const earlier = Object.entries(settings().implicitDependencies ?? {}).flatMap(([path, whom]) =>
          isFor(project.name, whom) ? `{workspaceRoot}/${path}` : [],
        );
        const said = spelledOut(project, [
          ...[...tasks].flatMap((task) => inputsOf(project, task)),
          { fileset: "default", json: undefined, input: undefined, projects: undefined },
        ]);
        return [...earlier, ...said.flatMap(({ fileset, json }) => fileset ?? json ?? [])].flatMap((path) => {
          const [, from, within = ""] = /^\{(workspaceRoot|projectRoot)\}\/(.*)$/s.exec(path) ?? [];
          return from === undefined ? [] : (pathWithin(from === "workspaceRoot" ? root : directory, within) ?? []);
        });
      },
      // `nx run ui:build`, `nx run-many --projects=ui,web`
      named: (words) =>
        [...words].flatMap((word) => word.split(/[,:=]/)).flatMap((name) => byName.get(name)?.directory ?? []),
      scripts: (directory) =>
        Object.fromEntries(
          Object.entries(projects.get(directory)?.targets ?? {}).map(([task, target]) => [task, commandOf(target)]),
        ),
    };
  };
}

/** What is left out is so wherever it stands; where nothing is taken, it is only left out of what imports say. */
function implicitPatterns(patterns: readonly string[]): readonly string[] {
  const [left, taken] = [true, false].map((out) => patterns.filter((pattern) => pattern.startsWith("!") === out));
  return taken === undefined || taken.length === 0 ? [] : [...taken, ...(left ?? [])];
}

/** Whether what an nx.json of earlier versions says of a file is for a project: `*`, names, or these for a part of the file. */
function isFor(name: string, whom: unknown): boolean {
  if (typeof whom === "string") return whom === "*" || whom === name;
  return typeof whom === "object" && whom !== null && Object.values(whom).some((inside) => isFor(name, inside));
}

/** What a target runs, as a script; what the executors of Nx' own plug-ins read is in the project. */
function commandOf({ executor, command, options }: Target): string {
  if (command !== undefined) return command;
  if (executor === "nx:run-commands" || executor === "@nrwl/workspace:run-commands")
    return stringsIn(options).join("\n");
  return executor === undefined || /^(nx|@nx\/[\w-]+|@nrwl\/[\w-]+):/.test(executor) ? "" : executor;
}

function settingsIn<Schema extends z.ZodType>(schema: Schema, text: string | undefined): z.infer<Schema> | undefined {
  return text === undefined ? undefined : schema.safeParse(parseLenientJson(text)).data;
}

/** The directories with a project.json. */
function projectsBelow(tree: SourceTree, directory: string): string[] {
  const { files, directories } = tree.list(directory);
  const below = directories.filter((name) => name !== "node_modules" && name !== "dist" && !name.startsWith("."));
  return [
    ...(files.includes("project.json") ? [directory] : []),
    ...below.flatMap((name) => projectsBelow(tree, posix.join(directory, name))),
  ];
}
