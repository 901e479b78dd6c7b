import { posix } from "node:path";
import type { BuildChoice } from "../../components/dockerfile/dockerfile.ts";
import type { Service } from "../../components/service/service.ts";
import { errorMessage } from "../../core/error.ts";
import { CommandError } from "../command.ts";
import type { Tool } from "./build-commands.ts";
import { dockerfileSources } from "./dockerfile.ts";
import { ignores, parseIgnoreFile, type IgnorePattern } from "./dockerignore.ts";
import { pathPattern, type PathPattern } from "./glob.ts";
import { goBuildsIn } from "./go-packages.ts";
import type { CargoBuild, PythonInstall } from "./run-instruction.ts";
import { isIn, memoize, pathFrom, pathWithin, type SourceTree } from "./source-tree.ts";

/** What the build of one image can see, and what its Dockerfile takes of it. Paths are from the root of the monorepo. */
export interface BuildContext {
  /** The Dockerfile, and the files that may say what is ignored: also one that is there no more. */
  readonly definition: ReadonlySet<string>;
  /** Whether a file reaches the builder: it is in the context, and not ignored. */
  readonly contains: (file: string) => boolean;
  /** Whether a file in a directory may reach the builder. */
  readonly reachesInto: (directory: string) => boolean;
  /** What the Dockerfile copies, but for directories that the service's own is in. */
  readonly sources: readonly PathPattern[];
  /** Whether the Dockerfile copies this very file, or a part of the service's own directory that it is in. */
  readonly names: (file: string) => boolean;
  /** Whether the Dockerfile copies a directory elsewhere that it is in, by a source that does not mean certain others, too. */
  readonly copies: (file: string, others?: readonly string[]) => boolean;
  /** Whether the Dockerfile copies a directory that both it and the service's own are in. */
  readonly sweeps: (file: string) => boolean;
  /** Whether the Dockerfile copies it, alone or with what it is in. */
  readonly takes: (file: string) => boolean;
  /** Whether the Dockerfile takes it, and has a command in that stage of which it is not known what that reads. */
  readonly mayBeRead: (file: string) => boolean;
  /** Whether a package manager of Node works where it is. */
  readonly isUsedByNode: (file: string) => boolean;
  /** Whether all that is done with it is to compile by one tool: the image has it only as far as what that makes of it. */
  readonly compiledBy: (tool: Tool, file: string) => boolean;
  /** The directories of the Go packages that it builds. */
  readonly goPackages: readonly string[];
  /** The words of what package managers of Node are called with. */
  readonly nodeWords: readonly string[];
  /** What Cargo builds. Paths are from the root of the context. */
  readonly cargo: readonly CargoBuild[];
  /** What package managers of Python install. */
  readonly python: readonly PythonInstall[];
  /** The directory that is the context. */
  readonly root: string;
}

/** How the image of a service is built. Paths are from the root of the monorepo. */
export interface ImageSource extends BuildChoice {
  /** The service's own. */
  readonly directory: string;
  readonly dockerfile: string;
  readonly context: string;
}

/** @param root of the monorepo, relative to the program like the paths of the service */
export function buildOf(root: string, { directory, dockerfile, context, target, buildArgs }: Service): ImageSource {
  const at = (path: string): string => pathFrom(root, path);
  return { directory: at(directory), dockerfile: at(dockerfile), context: at(context), target, buildArgs };
}

/** The contexts of what services are built by. */
export interface BuildContexts {
  readonly ofImage: (build: ImageSource) => BuildContext;
  /** A command in the root of the monorepo, seen as one of a stage of a Dockerfile that has all of that. */
  readonly ofCommand: (directory: string, command: string) => BuildContext;
}

export function buildContexts(tree: SourceTree): BuildContexts {
  const patternsOf = memoize((file) => readPatterns(tree, file));
  const goPackages = goBuildsIn(tree);
  const contextOf = (
    directory: string,
    root: string,
    patterns: readonly IgnorePattern[],
    taken: ReturnType<typeof dockerfileSources>,
  ): Omit<BuildContext, "definition"> => {
    const { copied, kept, tools, reads, goBuilds, nodeWords, cargo, python } = taken;
    const fromRoot = (source: string): readonly string[] => [pathWithin(root, source) ?? []].flat();
    const paths = [...new Set(copied)].flatMap(fromRoot);
    const isKept = kept.flatMap(fromRoot).map(coverage);
    // What is copied within a stage is a file that a command has made, or one of the sources at another path.
    const moved = reads.filter(({ path }) => fromRoot(path).some((at) => tree.kind(at) !== undefined));
    const unclear = new Set(moved.flatMap((read) => read.sources));
    const tooled = [...tools, ...[...unclear].map((source) => [source, new Set<Tool>(["unknown"])] as const)].flatMap(
      ([source, by]) => fromRoot(source).map((path) => ({ by, covers: coverage(path) })),
    );
    const takes = paths.map(coverage);
    const broad = paths.filter((source) => isIn(source, directory));
    const sources = paths.filter((source) => !isIn(source, directory)).map(pathPattern);
    for (const source of sources) tree.follow(source.root);
    const within = (path: string): string => (root === "." ? path : path.slice(root.length + 1));
    const contains = (file: string): boolean => isIn(root, file) && !ignores(patterns, within(file));
    return {
      contains,
      reachesInto: (path) => {
        if (isIn(path, root) || contains(path)) return true;
        return (
          isIn(root, path) && patterns.some(({ exception, reachesInto }) => exception && reachesInto(within(path)))
        );
      },
      sources,
      names: (file) => sources.some(({ path, means }) => (path === file || isIn(directory, path)) && means(file)),
      copies: (file, others = []) => sources.some(({ means }) => means(file) && !others.some(means)),
      sweeps: (file) => broad.some((source) => isIn(source, file)),
      takes: (file) => takes.some((covers) => covers(file)),
      mayBeRead: (file) => tooled.some(({ by, covers }) => by.has("unknown") && covers(file)),
      isUsedByNode: (file) => tooled.some(({ by, covers }) => by.has("node") && covers(file)),
      compiledBy: (tool, file) => {
        const by = tooled.filter(({ covers }) => covers(file)).flatMap((source) => [...source.by]);
        return by.length > 0 && by.every((one) => one === tool) && !isKept.some((covers) => covers(file));
      },
      nodeWords,
      goPackages: goPackages(goBuilds, root, directory),
      cargo,
      python,
      root,
    };
  };
  return {
    ofImage: ({ directory, dockerfile, context: root, target, buildArgs }) => {
      const ownIgnoreFile = `${dockerfile}.dockerignore`;
      const ignoreFiles = [ownIgnoreFile, posix.join(root, ".dockerignore")];
      const ignoreFile = ignoreFiles.find((file) => tree.read(file) !== undefined);
      const patterns = ignoreFile === undefined ? [] : patternsOf(ignoreFile);
      const taken = dockerfileSources(tree.read(dockerfile) ?? "", { target, buildArgs });
      return {
        ...contextOf(directory, root, patterns, taken),
        // The second one does not count where there is the first.
        definition: new Set([dockerfile, ...(ignoreFile === ownIgnoreFile ? [ownIgnoreFile] : ignoreFiles)]),
      };
    },
    ofCommand: (directory, command) => ({
      ...contextOf(directory, ".", [], dockerfileSources(stageOf(command))),
      definition: new Set<string>(),
    }),
  };
}

/** A Dockerfile whose image has nothing of what the command is given. */
function stageOf(command: string): string {
  const lines = command.split("\n");
  const end = Array.from({ length: lines.length + 1 }, (_, index) => `END${index}`).find(
    (word) => !lines.includes(word),
  );
  return `FROM scratch\nCOPY . /\nRUN <<${end}\n${command}\n${end}\nFROM scratch\n`;
}

/** Whether a file is what a COPY takes, or in it. */
function coverage(source: string): (file: string) => boolean {
  const { means } = pathPattern(source);
  return (file) => isIn(source, file) || means(file);
}

function readPatterns(tree: SourceTree, file: string): IgnorePattern[] {
  try {
    return parseIgnoreFile(tree.read(file) ?? "");
  } catch (error) {
    throw new CommandError(`${file}: ${errorMessage(error)}`, { cause: error });
  }
}
