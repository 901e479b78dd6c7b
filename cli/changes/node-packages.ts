import { posix } from "node:path";
import { z } from "zod";
import { parseYaml } from "../../components/yaml-text.ts";
import { CommandError } from "../command.ts";
import { glob } from "./glob.ts";
import { dependencies, dependencyDirectory, isTested, readPackage } from "./node-package.ts";
import { remembered, upwards, type SourceTree } from "./source-tree.ts";

/** The Node packages that a service is made of. */
export interface NodeNeeds {
  /** The directory of its own package. */
  readonly own: string;
  /** The root of its workspace, or that of its own package. */
  readonly root: string;
  /** The directories of all packages that it depends on, transitively; its own among them, unless that has more in it. */
  readonly packages: ReadonlySet<string>;
  /** The directories of the packages of its workspace. */
  readonly members: ReadonlySet<string>;
  /** Whether `npm test` does something in its own package. */
  readonly tested: boolean;
  /** Whether its workspace has dependencies: something that must be installed first. */
  readonly installed: boolean;
}

const pnpmSchema = z.object({ packages: z.array(z.string()) });

/** The dependencies between the packages of the monorepo: workspaces, and `file:`, `link:`, `portal:` and `workspace:`. */
export function nodeGraph(tree: SourceTree) {
  const packageAt = remembered((directory) => readPackage(tree, directory));
  const globsAt = remembered((directory) => [
    ...(packageAt(directory)?.workspaces ?? []),
    ...pnpmGlobs(tree, directory),
  ]);
  const membersAt = remembered((root) => {
    const directories = members(tree, root, globsAt(root)).filter((at) => packageAt(at) !== undefined);
    return new Map(directories.map((at) => [packageAt(at)?.name ?? at, at]));
  });
  return {
    /**
     * A package.json around the service may be there for the tools of the repository. It is the service's, too, if the
     * Dockerfile copies it, or if it is that of one package of a workspace.
     * @param copied whether the Dockerfile copies a file by name
     * @returns `undefined`: it has no package
     */
    needs: (directory: string, copied: (file: string) => boolean): NodeNeeds | undefined => {
      const own = upwards(directory).find((at) => packageAt(at) !== undefined);
      if (own === undefined) return undefined;
      const around = upwards(own).filter((at) => globsAt(at).length > 0);
      const root = around.find((at) => at === own || [...membersAt(at).values()].includes(own)) ?? own;
      const byName = membersAt(root);
      const shared = own !== directory && root === own;
      if (shared && (around[0] === own || !copied(posix.join(own, "package.json")))) return undefined;
      const packages = new Set([own]);
      // A set that grows while it is walked is walked to its end.
      for (const at of packages)
        for (const dependency of dependencies(packageAt(at))) {
          const target = dependencyDirectory(at, dependency, byName);
          if (target !== undefined) packages.add(target);
        }
      // What else is in a package around it is the service's only if the Dockerfile says so.
      if (shared) packages.delete(own);
      return {
        own,
        root,
        packages,
        members: new Set(byName.values()),
        tested: isTested(packageAt(own)),
        installed: [root, own, ...byName.values()].some((at) => dependencies(packageAt(at)).length > 0),
      };
    },
  };
}

function pnpmGlobs(tree: SourceTree, directory: string): string[] {
  if (!tree.list(directory).files.includes("pnpm-workspace.yaml")) return [];
  const file = posix.join(directory, "pnpm-workspace.yaml");
  const content = parseYaml(tree.read(file) ?? "");
  if ("fault" in content) throw new CommandError(`${file} ${content.fault}`);
  const parsed = pnpmSchema.safeParse(content.value);
  return parsed.success ? parsed.data.packages : [];
}

/** The directories that the globs of a workspace mean, as far as they have a package.json. */
function members(tree: SourceTree, root: string, globs: readonly string[]): string[] {
  const taken = globs.filter((pattern) => !pattern.startsWith("!"));
  const left = globs.filter((pattern) => pattern.startsWith("!")).map((pattern) => glob(pattern.slice(1)));
  const found = new Set(taken.flatMap((pattern) => expand(tree, root, pattern.replace(/^\.\//, "").split("/"))));
  return [...found].filter((at) => !left.some((matches) => matches(posix.relative(root, at))));
}

function expand(tree: SourceTree, directory: string, [part, ...rest]: readonly string[]): string[] {
  if (part === undefined || part === "") return [directory];
  const below = tree.list(directory).directories.filter((name) => name !== "node_modules" && !name.startsWith("."));
  if (part === "**") {
    const deeper = below.flatMap((name) => expand(tree, posix.join(directory, name), [part, ...rest]));
    return [...expand(tree, directory, rest), ...deeper];
  }
  const matches = glob(part);
  return below.filter(matches).flatMap((name) => expand(tree, posix.join(directory, name), rest));
}
