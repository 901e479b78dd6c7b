import { posix } from "node:path";
import { ignores, parseIgnoreFile, type IgnorePattern } from "../../components/ignore-pattern.ts";
import { CommandError } from "../command.ts";
import { dockerfileSources } from "./dockerfile-sources.ts";
import { glob } from "./glob.ts";
import { isIn, pathWithin, remembered, type SourceTree } from "./source-tree.ts";

/** What the build of one image can see, and what its Dockerfile takes of it. Paths are from the root of the monorepo. */
export interface ImageContext {
  /** The Dockerfile and its ignore file. */
  readonly definition: ReadonlySet<string>;
  /** Whether a file reaches the builder: it is in the context, and not ignored. */
  readonly contains: (file: string) => boolean;
  /** Whether the Dockerfile copies this very file, or a part of the service's own directory that it is in. */
  readonly names: (file: string) => boolean;
  /** Whether the Dockerfile copies a directory elsewhere that it is in. */
  readonly copies: (file: string) => boolean;
  /** Whether the Dockerfile copies a directory that both it and the service's own are in. */
  readonly sweeps: (file: string) => boolean;
  /** The directories of the Go packages that it builds. */
  readonly goPackages: readonly string[];
}

/** @param context the setting `images.context` */
export function imageContexts(tree: SourceTree, context: "service" | "app"): (directory: string) => ImageContext {
  const patternsOf = remembered((file) => readPatterns(tree, file));
  return (directory) => {
    const root = context === "app" ? "." : directory;
    const dockerfile = posix.join(directory, "Dockerfile");
    const ignoreFile = [`${dockerfile}.dockerignore`, pathWithin(root, ".dockerignore") ?? ""].find(
      (file) => tree.read(file) !== undefined,
    );
    const patterns = ignoreFile === undefined ? [] : patternsOf(ignoreFile);
    const { copied, goPackages } = dockerfileSources(tree.read(dockerfile) ?? "");
    const sources = [...new Set(copied)].flatMap((source) => pathWithin(root, source) ?? []);
    const broad = sources.filter((source) => isIn(source, directory));
    const narrow = sources
      .filter((source) => !isIn(source, directory))
      .map((source) => ({ source, matches: glob(source) }));
    return {
      definition: new Set([dockerfile, ...(ignoreFile === undefined ? [] : [ignoreFile])]),
      contains: (file) => {
        if (!isIn(root, file)) return false;
        return !ignores(patterns, root === "." ? file : file.slice(root.length + 1));
      },
      names: (file) =>
        narrow.some(({ source, matches }) => (source === file || isIn(directory, source)) && matches(file)),
      copies: (file) => narrow.some(({ matches }) => matches(file)),
      sweeps: (file) => broad.some((source) => isIn(source, file)),
      goPackages: goPackages.flatMap((path) => pathWithin(root, path.replace(/\/\.\.\.$/, "")) ?? []),
    };
  };
}

function readPatterns(tree: SourceTree, file: string): IgnorePattern[] {
  try {
    return parseIgnoreFile(tree.read(file) ?? "");
  } catch (error) {
    throw new CommandError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
