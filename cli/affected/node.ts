import { posix } from "node:path";
import { z } from "zod";
import { parseYaml } from "../../core/yaml.ts";
import { CommandError } from "../command.ts";
import type { AffectedBy } from "./affected-by.ts";
import { glob } from "./glob.ts";
import { globbedDirectories } from "./globbed-directories.ts";
import { isMeant, nodeImportsIn } from "./node-imports.ts";
import { areScriptsUnderstood } from "./node-scripts.ts";
import { memoize, mentionsIn, pathWithin, upwards, type SourceTree } from "./source-tree.ts";

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

/** The dependencies between the packages of the monorepo: workspaces, and `file:`, `link:`, `portal:` and `workspace:`. */
export function nodeGraph(tree: SourceTree) {
  const packageAt = memoize((directory) => readPackage(tree, directory));
  const globsAt = memoize((directory) => [
    ...inOrder(packageAt(directory)?.workspaces ?? []),
    ...pnpmGlobs(tree, directory),
  ]);
  const importsIn = nodeImportsIn(tree);
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
      const packages = new Set([own, ...namedMembers(root, byName, words)]);
      const outside = new Set<string>();
      const sources = new Set<string>();
      const addDependencies = (at: string): void => {
        for (const dependency of packageDependencies(packageAt(at))) {
          const target = dependencyDirectory(at, dependency, byName);
          if (target !== undefined) packages.add(target);
        }
      };
      // What the root of a workspace installs, each of its packages can import.
      addDependencies(root);
      // Iterating over a Set also visits what is added meanwhile.
      for (const at of packages) {
        addDependencies(at);
        // A package around several services has the code of all.
        const imports = importsIn(shared && at === own ? directory : at);
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
      }
      const around = [...new Set([root, directory, ...packages])];
      const scripts = around.map((at) => packageAt(at)?.scripts ?? {});
      const settings = around.flatMap((at) => settingsIn(tree, at));
      // The other files of a package around the service count only if the Dockerfile copies them.
      if (shared) packages.delete(own);
      return {
        own,
        root,
        packages,
        outside,
        mentions: mentionsIn(() => [...sources, ...settings].map((file) => tree.read(file) ?? "")),
        understood: areScriptsUnderstood(words, scripts),
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
function namedMembers(root: string, members: ReadonlyMap<string, string>, words: readonly string[]): string[] {
  const names = words.map((word) => word.replace(/^--?[\w-]+=/, "").replace(/^(\.\.\.)?\^?(\.\/)?|\^?(\.\.\.)?$/g, ""));
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

const pnpmSchema = z.object({ packages: z.array(z.string()) });

function pnpmGlobs(tree: SourceTree, directory: string): string[] {
  if (!tree.list(directory).files.includes("pnpm-workspace.yaml")) return [];
  const file = posix.join(directory, "pnpm-workspace.yaml");
  const content = parseYaml(tree.read(file) ?? "");
  if ("problem" in content) throw new CommandError(`${file} ${content.problem}`);
  const parsed = pnpmSchema.safeParse(content.value);
  return parsed.success ? parsed.data.packages : [];
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
function workspaceMembers(tree: SourceTree, root: string, globs: readonly string[]): string[] {
  const included = globs.filter((pattern) => !pattern.startsWith("!"));
  const excluded = globs.filter((pattern) => pattern.startsWith("!")).map((pattern) => glob(pattern.slice(1)));
  const found = new Set(included.flatMap((pattern) => globbedDirectories(tree, root, pattern)));
  return [...found].filter((at) => !excluded.some((matches) => matches(posix.relative(root, at))));
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
});
type NodePackage = z.infer<typeof packageSchema>;

/** `undefined`: there is no package.json, or an invalid one. */
function readPackage(tree: SourceTree, directory: string): NodePackage | undefined {
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

/** `npm init` writes a script that only says that there is none. */
function isTested(found: NodePackage | undefined): boolean {
  const script = found?.scripts?.["test"];
  return script !== undefined && !script.includes("no test specified");
}

/** The names under which it takes other packages, with what stands for their versions. */
function packageDependencies(found: NodePackage | undefined): [name: string, version: string][] {
  // Those of development, too: the compilers and settings with which an image is built are there.
  const { dependencies: own, devDependencies, optionalDependencies, peerDependencies } = found ?? {};
  return [own, devDependencies, optionalDependencies, peerDependencies].flatMap((names) => Object.entries(names ?? {}));
}

/**
 * The directory of the monorepo that a dependency of the package in another directory means; `undefined`: it is elsewhere.
 * @param members name → directory, of the packages of its workspace
 */
function dependencyDirectory(
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
