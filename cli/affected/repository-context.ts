import { posix } from "node:path";
import { isEmbeddedBy, type GoNeeds } from "./go.ts";
import { isIn, memoize, upwards, type SourceTree } from "./source-tree.ts";

/** What the rules ask of the repository, beyond the service itself. */
export interface RepositoryContext {
  readonly tree: SourceTree;
  /** The project of Python that a file is in. */
  readonly projectOf: (file: string) => string | undefined;
  /** Whether a file is of this program, and the service in a directory is not. */
  readonly isOfProgram: (directory: string, file: string) => boolean;
  /** Whether a file says how a service is built and runs. */
  readonly isDefinition: (file: string) => boolean;
  /** Whether a file is of another service than that in a directory. */
  readonly isOfOthers: (directory: string, file: string) => boolean;
  /** Whether a package of Go in the image of any service embeds a file. */
  readonly isEmbedded: (file: string) => boolean;
}

/** A service, as far as the rules for others ask. */
interface ServiceSources {
  readonly directory: string;
  readonly dockerfile: string;
  readonly go: GoNeeds | undefined;
}

/**
 * @param names the directory of this program, which may lie in the monorepo, or around it, and the name of the files with the
 *   settings of services
 */
export function repositoryContext(
  tree: SourceTree,
  sources: readonly ServiceSources[],
  projectOf: RepositoryContext["projectOf"],
  { program, serviceFile }: { program: string; serviceFile: string },
): RepositoryContext {
  const directories = new Set(sources.map(({ directory }) => directory));
  const definitions = new Set(sources.flatMap(({ dockerfile }) => [dockerfile, `${dockerfile}.dockerignore`]));
  const embedding = sources.flatMap(({ go }) => go?.embedding ?? []).filter(({ size }) => size > 0);
  return {
    tree,
    projectOf,
    isOfProgram: (directory, file) => isIn(program, file) && !isIn(program, directory),
    isDefinition: (file) =>
      definitions.has(file) || (directories.has(posix.dirname(file)) && posix.basename(file) === serviceFile),
    isOfOthers: (directory, file) => upwards(file).some((at) => directories.has(at) && !isIn(at, directory)),
    isEmbedded: memoize((file) => embedding.some((packages) => isEmbeddedBy(packages, file))),
  };
}

/** Whether there is code at a directory or below it in a language whose imports are not followed. */
export function hasForeignCode(tree: SourceTree, directory: string, followed: readonly RegExp[]): boolean {
  const { files, directories } = tree.list(directory);
  if (files.some((name) => foreignCode.test(name) && !followed.some((code) => code.test(name)))) return true;
  return directories.some(
    (name) =>
      !["node_modules", "vendor", "target", ".git"].includes(name) &&
      hasForeignCode(tree, posix.join(directory, name), followed),
  );
}

export const rustCode = /\.rs$|^Cargo\.toml$/;
export const pythonCode = /\.py$|^(pyproject\.toml|requirements[^/]*\.txt)$/;

const foreignCode =
  /\.(py|pyx|rb|rs|java|kt|kts|scala|groovy|clj|cs|fs|vb|csproj|php|pl|lua|ex|exs|erl|hs|ml|swift|dart|zig|nim|jl|r|cr)$|^(Cargo\.toml|pyproject\.toml|requirements[^/]*\.txt|Gemfile|composer\.json|pom\.xml|build\.gradle(\.kts)?|mix\.exs)$/i;
