import { posix } from "node:path";
import { repositoryOf, type Monorepo } from "../project/monorepo.ts";
import { buildContexts, buildOf } from "./build-context.ts";
import { contextSources } from "./context-sources.ts";
import { parseIgnoreFile } from "./dockerignore.ts";
import { pathPattern } from "./glob.ts";
import { isIn, pathWithin, sourceTree, upwards } from "./source-tree.ts";

/**
 * What the Dockerfiles of services take from the build context and no commit has, such as `target/app.jar`, by service and as
 * sentences; nothing of a service of which `build.prepare` or `paths` says what that is made from. Where a glob means nothing in
 * a directory that is there, it is to mean something if Git ignores that: others may take what is not always there.
 */
export function uncommittedSources(monorepo: Monorepo): Promise<UncommittedSources> {
  const found = foundIn.get(monorepo) ?? findUncommitted(monorepo);
  foundIn.set(monorepo, found);
  return found;
}

type UncommittedSources = ReadonlyMap<string, readonly string[]>;

/** What has been found in a monorepo: the commits of a checkout do not change while a command runs. */
const foundIn = new WeakMap<Monorepo, Promise<UncommittedSources>>();

async function findUncommitted(monorepo: Monorepo): Promise<UncommittedSources> {
  const silent = monorepo.services.filter(
    ({ paths = [], build }) => paths.length === 0 && build?.prepare === undefined,
  );
  if (silent.length === 0) return new Map();
  const repository = await repositoryOf(monorepo);
  const committed = committedFiles(await repository.files());
  const tree = sourceTree(monorepo.root);
  const contexts = buildContexts(tree);
  const suspects = silent.flatMap((service) => {
    const { name } = service;
    const build = buildOf(monorepo.root, service);
    const { directory } = build;
    return contextSources(tree.read(build.dockerfile) ?? "", build).flatMap((source) => {
      const path = pathWithin(build.context, source);
      if (path === undefined) return [];
      if (!isIn(path, directory)) return suspectsAt(path, committed).map((suspect) => ({ name, ...suspect }));
      const { contains, definition } = contexts.ofImage(build);
      const ignoreFile = [...definition].find((file) => file.endsWith("ignore") && tree.read(file) !== undefined);
      if (ignoreFile === undefined || !hasExceptions(tree.read(ignoreFile) ?? "")) return [];
      if (committed.within(path).some((file) => contains(file) && !definition.has(file))) return [];
      return [{ name, sentence: `COPY ${source}: ${ignoreFile} leaves nothing of what the commits have`, sample: "" }];
    });
  });
  const ignored = await repository.ignored(suspects.map(({ sample }) => sample).filter((sample) => sample !== ""));
  const found = suspects.filter(({ sample }) => sample === "" || ignored.has(sample));
  return new Map(
    [...Map.groupBy(found, ({ name }) => name)].map(([name, of]) => [name, of.map(({ sentence }) => sentence)]),
  );
}

interface Suspect {
  readonly sentence: string;
  /** It is missing only if Git ignores this. Empty: it is missing anyway. */
  readonly sample: string;
}

function suspectsAt(path: string, committed: CommittedFiles): readonly Suspect[] {
  // What is in a submodule, or behind a link, Git does not list.
  const pattern = pathPattern(path);
  if (upwards(pattern.root).some(committed.has)) return [];
  if (pattern.root !== path) {
    const beside = committed.within(pattern.root);
    if (beside.some((file) => !isPlaceholder(file) && pattern.means(file))) return [];
    // BuildKit takes a glob that means nothing for nothing, but fails where there is no such directory.
    if (beside.length === 0)
      return [{ sentence: `COPY ${path}: there is no directory ${pattern.root} in the commits`, sample: "" }];
    const sample = path.replaceAll(/\*+|\?|\[[^\]]*\]/g, "x").replaceAll("\\", "");
    return [{ sentence: `COPY ${path}: no commit has such a file, and Git ignores what it would mean`, sample }];
  }
  const files = committed.within(path);
  if (files.some((file) => !isPlaceholder(file))) return [];
  const sentence = `COPY ${path}: there is no such file in the commits`;
  return [files.length === 0 ? { sentence, sample: "" } : { sentence, sample: posix.join(path, "x") }];
}

/** Whether a file only keeps its directory in Git. */
function isPlaceholder(file: string): boolean {
  return /(^|\/)\.(gitkeep|keep|gitignore)$/.test(file);
}

function hasExceptions(ignoreFile: string): boolean {
  return parseIgnoreFile(ignoreFile).some(({ exception }) => exception);
}

interface CommittedFiles {
  /** Whether there is a file, a submodule or a link at a path. */
  readonly has: (path: string) => boolean;
  /** The files in a directory and below it. */
  readonly within: (directory: string) => readonly string[];
}

function committedFiles(files: readonly string[]): CommittedFiles {
  const known = new Set(files);
  const sorted = files.toSorted();
  /** The index of the first one that is not before a text. */
  const indexOf = (text: string): number => {
    const bounds = { low: 0, high: sorted.length };
    while (bounds.low < bounds.high) {
      const middle = (bounds.low + bounds.high) >> 1;
      if ((sorted[middle] ?? "") < text) bounds.low = middle + 1;
      else bounds.high = middle;
    }
    return bounds.low;
  };
  return {
    has: (path) => known.has(path),
    within: (directory) =>
      // "0" is the character behind "/".
      directory === "." ? sorted : sorted.slice(indexOf(`${directory}/`), indexOf(`${directory}0`)),
  };
}
