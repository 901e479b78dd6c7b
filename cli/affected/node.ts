import { posix } from "node:path";
import type { AffectedBy } from "./affected-by.ts";
import { glob, pathPattern, type PathPattern } from "./glob.ts";
import { isMeant, nodeImportsIn } from "./node-imports.ts";
import { dependencyDirectory, packageDependencies, readPackage, type NodePackage } from "./node-packages.ts";
import { calledScripts } from "./node-scripts.ts";
import { overridingDirectories, workspaceGlobs, workspaceMembers } from "./node-workspaces.ts";
import { memoize, mentionsIn, upwards, type SourceTree } from "./source-tree.ts";
import { tasksFrom } from "./task-runner.ts";
import { taskRunnersIn } from "./task-runners.ts";

/** The Node packages that a service is made of. */
export interface NodeNeeds {
  /** The directory of its own package. */
  readonly own: string;
  /** The root of its workspace, or that of its own package. */
  readonly root: string;
  /** The directories of all packages that it depends on, transitively; its own among them, unless that has more in it. */
  readonly packages: ReadonlySet<string>;
  /** What their code imports from outside of all packages: files without their endings, and directories. */
  readonly outside: ReadonlySet<string>;
  /** What runners of tasks are told that they are made from: files elsewhere, as far as the image has them. */
  readonly inputs: readonly PathPattern[];
  /** Whether their code or settings have the name of a file in them, or that of a directory that the file is in. */
  readonly mentions: (file: string) => boolean;
  /** Whether the scripts that its Dockerfile calls read no more than these packages and what they import. */
  readonly understood: boolean;
  /** The directories of the packages of its workspace. */
  readonly members: ReadonlySet<string>;
  /** Whether `npm test` does something in its own package. */
  readonly tested: boolean;
  /** Whether its workspace has dependencies: something that must be installed first. */
  readonly installed: boolean;
}

/**
 * The dependencies between the packages of the monorepo: workspaces, `file:`, `link:`, `portal:` and `workspace:`, and what
 * runners of tasks are told of them.
 * @param ignored the name of the files with the settings of services
 */
export function nodeGraph(tree: SourceTree, ignored?: string) {
  const packageAt = memoize((directory) => readPackage(tree, directory));
  const globsAt = memoize((directory) => workspaceGlobs(tree, directory, packageAt(directory)));
  const importsIn = nodeImportsIn(tree, ignored);
  const runnersOf = taskRunnersIn(tree);
  const membersAt = memoize((root) => {
    const directories = workspaceMembers(tree, root, globsAt(root)).filter((at) => packageAt(at) !== undefined);
    return new Map(directories.map((at) => [packageAt(at)?.name ?? at, at]));
  });
  return {
    /**
     * A package.json around the service may be there for the tools of the repository. It is the service's, too, if the
     * Dockerfile copies it, or if it is that of one package of a workspace.
     * @param copied whether the Dockerfile copies a file by name
     * @param words what package managers are called with in the Dockerfile
     * @returns `undefined`: it has no package
     */
    needs: (
      directory: string,
      copied: (file: string) => boolean,
      words: readonly string[] = [],
    ): NodeNeeds | undefined => {
      const own = upwards(directory).find((at) => packageAt(at) !== undefined);
      if (own === undefined) return undefined;
      const workspaces = upwards(own).filter((at) => globsAt(at).length > 0);
      const root = workspaces.find((at) => at === own || [...membersAt(at).values()].includes(own)) ?? own;
      const byName = membersAt(root);
      const members = new Set(byName.values());
      const shared = own !== directory && root === own;
      if (shared && (workspaces[0] === own || !copied(posix.join(own, "package.json")))) return undefined;
      const packages = new Set([own]);
      const outside = new Set<string>();
      const sources = new Set<string>();
      const addDependencies = (at: string): void => {
        for (const dependency of packageDependencies(packageAt(at))) {
          const target = dependencyDirectory(dependency, { directory: at, root, members: byName });
          if (target !== undefined) packages.add(target);
        }
      };
      const runner = runnersOf(root, byName);
      // A package around several services has the code of all.
      const partOf = (at: string): string => (shared && at === own ? directory : at);
      const addNeeds = (at: string, tasks: ReadonlySet<string>): void => {
        addDependencies(at);
        for (const target of runner.dependencies(partOf(at), tasks)) packages.add(target);
        const imports = importsIn(partOf(at));
        for (const file of imports.sources) sources.add(file);
        for (const name of imports.names) {
          const target = byName.get(packageName(name));
          if (target !== undefined) packages.add(target);
        }
        for (const path of imports.outside) {
          const target = upwards(path).find((enclosing) => members.has(enclosing));
          if (target === undefined) outside.add(path);
          else packages.add(target);
        }
      };
      const around = (): string[] => [...new Set([root, directory, ...packages])];
      const scriptsAt = (at: string): Readonly<Record<string, string>> => ({
        ...runner.scripts(at),
        ...packageAt(at)?.scripts,
      });
      /** Scripts name packages, and packages have scripts: until there are no more of either. */
      const settle = (called: ReadonlySet<string>): { understood: boolean; tasks: ReadonlySet<string> } => {
        const size = packages.size;
        const runs = ["nx", "turbo", "lerna"].some((program) => called.has(program));
        const waited = runs ? tasksFrom(runner, called) : called;
        const { names: found, understood } = calledScripts(waited, around().map(scriptsAt));
        // What is only waited for names no package to build.
        const names = new Set([...found].filter((name) => called.has(name) || !waited.has(name)));
        const tasks = tasksFrom(runner, ["build", ...found]);
        for (const at of [...namedMembers(root, byName, names), ...runner.named(names)]) packages.add(at);
        // Iterating over a Set also visits what is added meanwhile.
        for (const at of packages) addNeeds(at, tasks);
        return packages.size > size || names.size > called.size ? settle(names) : { understood, tasks };
      };
      // What the root of a workspace installs, each of its packages can import, and get in the place of something else.
      addDependencies(root);
      for (const target of overridingDirectories(tree, root, packageAt(root), byName)) packages.add(target);
      const { understood, tasks } = settle(new Set(words));
      const inputs = new Set([...packages].flatMap((at) => runner.inputs(partOf(at), tasks)));
      const settings = around().flatMap((at) => settingsIn(tree, at));
      // The other files of a package around the service count only if the Dockerfile copies them.
      if (shared) packages.delete(own);
      return {
        own,
        root,
        packages,
        outside,
        inputs: [...inputs].map(pathPattern),
        mentions: mentionsIn(() => [...sources, ...settings].map((file) => tree.read(file) ?? "")),
        understood,
        members,
        tested: isTested(packageAt(own)),
        installed: [root, own, ...byName.values()].some((at) => packageDependencies(packageAt(at)).length > 0),
      };
    },
  };
}

/** The files of settings in a directory, of compilers and the like, but for those that say what is installed. */
function settingsIn(tree: SourceTree, directory: string): string[] {
  const names = tree.list(directory).files.filter((name) => /\.([cm]?[jt]s|json5?|ya?ml|toml)$/.test(name));
  return names.filter((name) => !/lock\.(json|ya?ml)$/.test(name)).map((name) => posix.join(directory, name));
}

/** The members of a workspace that the words of a command name: `--filter=web...`, `-w packages/ui`, `@shop/ui`. */
function namedMembers(root: string, members: ReadonlyMap<string, string>, words: Iterable<string>): string[] {
  const names = [...words].map((word) =>
    word.replace(/^--?[\w-]+=/, "").replace(/^(\.\.\.)?\^?(\.\/)?|\^?(\.\.\.)?$/g, ""),
  );
  const tests = names.filter((name) => /^[@\w]/.test(name)).map(glob);
  if (tests.length === 0) return [];
  return [...members].flatMap(([name, at]) =>
    tests.some((means) => means(name) || means(posix.relative(root, at))) ? [at] : [],
  );
}

/** The package that an import is of: `@shop/ui` of `@shop/ui/button`. */
function packageName(name: string): string {
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}

/** How a file affects a service by the dependencies between packages of Node. */
export function matchNode(needs: NodeNeeds, file: string): AffectedBy | undefined {
  if (isWorkspaceFile(posix.relative(needs.root, file))) return { part: "image", reason: file };
  if (isMeant(needs.outside, file)) return { part: "image", reason: file };
  const at = packageOf(needs, file);
  if (at === undefined || !needs.packages.has(at)) return undefined;
  return { part: "image", reason: at === needs.own ? file : `shared code ${at}` };
}

/** Whether the dependencies alone say how a file affects a service. */
export function isGovernedByNode(needs: NodeNeeds, file: string): boolean {
  return packageOf(needs, file) !== undefined;
}

/** The paths that a file of a package has in the other packages of the workspace. */
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
function isWorkspaceFile(file: string): boolean {
  return workspaceFiles.test(file);
}

const workspaceFiles =
  /^(package\.json|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|pnpm-workspace\.yaml|bun\.lockb?|\.npmrc|\.yarnrc(\.yml)?|\.pnpmfile\.cjs|tsconfig[^/]*\.json|patches\/.*|\.yarn\/(patches|plugins|releases)\/.*)$/;

/** `npm init` writes a script that only says that there is none. */
function isTested(found: NodePackage | undefined): boolean {
  const script = found?.scripts?.["test"];
  return script !== undefined && !script.includes("no test specified");
}
