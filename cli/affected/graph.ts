import { posix } from "node:path";
import { serviceFile } from "../../components/service/service-files.ts";
import type { Service } from "../../components/service/service.ts";
import type { Monorepo } from "../project/monorepo.ts";
import { isDocumentation, isForOperations, isRepositoryMetadata, type AffectedBy } from "./affected-by.ts";
import { buildContexts, buildOf, type BuildContext } from "./build-context.ts";
import { cargoGraph, isLeftOutByCargo, isTestedByCargo, matchCargo, type CargoNeeds } from "./cargo.ts";
import { pathPattern, type PathPattern } from "./glob.ts";
import { goGraph, isBesideGo, isEmbeddedBy, isGovernedByGo, matchGo, type GoNeeds } from "./go.ts";
import { counterparts, isGovernedByNode, matchNode, nodeGraph, type NodeNeeds } from "./node.ts";
import { isLeftOutByPython, matchPython, pythonGraph, type PythonNeeds } from "./python.ts";
import {
  hasForeignCode,
  pythonCode,
  repositoryContext,
  rustCode,
  type RepositoryContext,
} from "./repository-context.ts";
import { isIn, memoize, mentionsIn, once, pathFrom, sourceTree, upwards, type SourceTree } from "./source-tree.ts";

/** What a service is made of. Paths are from the root of the monorepo. */
export interface ServiceSources {
  readonly service: Service;
  readonly directory: string;
  readonly go: GoNeeds | undefined;
  readonly node: NodeNeeds | undefined;
  /** How a file affects the service; `undefined`: it does not. */
  readonly match: (file: string) => AffectedBy | undefined;
}

/**
 * Finds what each service is made of, in the working tree. A file affects the image of a service if
 * - a glob of `paths` in its service.yaml means it,
 * - it is the Dockerfile, or an ignore file of the build,
 * - it is part of a Go or Node package that the service needs, directly or not, or says which modules those are,
 * - the Dockerfile copies it, or the directory that it is in, by name; one that has several packages of Node in it is no name,
 * - it is in the service's own directory,
 * - the Dockerfile copies it into a stage with a command of which it is not known what that reads, or
 * - the Dockerfile copies everything, and the file is in no package of the languages of the service, not of this program, and
 * not there for Git, CI or editors alone; where the imports of all of the service's code are followed, it is in no other
 * service either, and where a stage does nothing but compile Go and hands over what it has made, this takes nothing else,
 * and the builder sees it: it is in the build context, and not ignored. The last two take only what `only` of the service.yaml
 * means, if there is that. What the builder does not see affects the tests at most; so do the tests of Go, what only they
 * import, service.yaml, and the files that it has mounted. A file counts at all paths from which a symbolic link leads to it, and a path that is a submodule
 * or a link for all that the service needs in it. What `build.prepare` is made from counts by the same rules, as if that were
 * a command of a stage that has all of the monorepo, but that `paths` says what it takes if its imports do not.
 * @param unmade services whose Dockerfiles take what no commit has, and nothing says what makes it: everything counts
 */
export function serviceGraph(monorepo: Monorepo, unmade: ReadonlySet<string> = new Set()): ServiceSources[] {
  const tree = sourceTree(monorepo.root);
  const go = goGraph(tree);
  const cargo = cargoGraph(tree);
  const python = pythonGraph(tree);
  const contexts = buildContexts(tree);
  const settings = monorepo.app.serviceFile ?? serviceFile;
  const node = nodeGraph(tree, settings);
  const sources = monorepo.services.map((service) => {
    const build = buildOf(monorepo.root, service);
    const { directory } = build;
    const paths = (service.paths ?? []).map(pathPattern);
    for (const pattern of paths) tree.follow(pattern.root);
    const mounted = new Set(
      Object.values(service.files ?? {}).flatMap(({ file }) => (file === undefined ? [] : posix.join(directory, file))),
    );
    const said = { mentions: mentionsIn(once(() => [tree.read(build.dockerfile) ?? "", JSON.stringify(service)])) };
    const needsIn = (context: BuildContext, only: readonly PathPattern[], isPreparation: boolean): ServiceNeeds => {
      const { dockerfile } = build;
      const needs = {
        go: go.needs(directory, context.goPackages),
        node: node.needs(directory, context.copies, context.nodeWords),
        cargo: cargo.needs(context.cargo, context.root),
        python: python.needs({ directory, dockerfile, context: context.root, installs: context.python }),
      };
      const enclosing = once(() => enclosingDirectories(directory, needs));
      const followed = [
        needs.cargo?.understood === true ? rustCode : [],
        needs.python?.understood === true ? pythonCode : [],
      ].flat();
      const isFollowed = once(
        () =>
          (needs.go !== undefined || needs.node !== undefined || followed.length > 0) &&
          !hasForeignCode(tree, directory, followed),
      );
      const own = { directory, dockerfile, serviceFile: settings, context, ...needs };
      return { ...own, said, paths, only, mounted, enclosing, isFollowed, isPreparation };
    };
    const only = (service.only ?? []).map(pathPattern);
    const command = unmade.has(service.name) ? "unknown" : commandOf(service, directory);
    // Of a command whose imports are not followed, `paths` says what it takes.
    const taken = only.length > 0 ? only : paths;
    const prepared = command === undefined ? undefined : needsIn(contexts.ofCommand(directory, command), taken, true);
    return { service, ...needsIn(contexts.ofImage(build), only, false), prepared };
  });
  const repository = repositoryContext(tree, sources, python.projectOf, {
    program: pathFrom(monorepo.root, process.cwd()),
    serviceFile: settings,
  });
  const pathsOf = memoize((file) => [file, ...tree.aliases(file)]);
  return sources.map((needs) => ({
    service: needs.service,
    directory: needs.directory,
    go: needs.go,
    node: needs.node,
    match: (file) => {
      const found = matchPaths(needs, repository, file, pathsOf(file));
      if (found?.part === "image" || needs.prepared === undefined) return found;
      return matchPaths(needs.prepared, repository, file, pathsOf(file)) ?? found;
    },
  }));
}

/** What makes files for the image, with its variables filled in. */
function commandOf({ name, build }: Service, directory: string): string | undefined {
  return build?.prepare?.command
    .replaceAll(/\$(SERVICE_DIRECTORY\b|\{SERVICE_DIRECTORY\})/g, () => directory)
    .replaceAll(/\$(SERVICE\b|\{SERVICE\})/g, () => name);
}

/** What a file does by any of its paths; an effect on the image comes before one on the tests. */
function matchPaths(
  needs: ServiceNeeds,
  repository: RepositoryContext,
  file: string,
  paths: readonly string[],
): AffectedBy | undefined {
  const { contains, reachesInto } = needs.context;
  const isSeen = (path: string): boolean =>
    contains(path) || (repository.tree.kind(path) === "directory" && reachesInto(path));
  // What a link leads to has to reach the builder, too.
  const sees = (path: string): boolean => isSeen(path) && (path === file || isSeen(file));
  const found = paths.flatMap((path) => {
    const affected = matchService(needs, repository, path, sees);
    if (affected === undefined) return [];
    return [path === file ? affected : { ...affected, reason: file }];
  });
  return found.find(({ part }) => part === "image") ?? found[0];
}

/** What a service needs, as far as `serviceGraph` has to know it. Paths are from the root of the monorepo. */
interface ServiceNeeds {
  readonly directory: string;
  readonly dockerfile: string;
  readonly context: BuildContext;
  readonly go: GoNeeds | undefined;
  readonly node: NodeNeeds | undefined;
  readonly cargo: CargoNeeds | undefined;
  readonly python: PythonNeeds | undefined;
  /** The name of the file with its settings. */
  readonly serviceFile: string;
  /** What its Dockerfile and its settings name. */
  readonly said: { readonly mentions: (file: string) => boolean };
  /** `paths` of its service.yaml. */
  readonly paths: readonly PathPattern[];
  /** `only` of its service.yaml; empty: it says nothing. */
  readonly only: readonly PathPattern[];
  /** `files` of its service.yaml that are the monorepo's. */
  readonly mounted: ReadonlySet<string>;
  /** Whether the imports of all of its own code are followed. */
  readonly isFollowed: () => boolean;
  /** Whether it is what `build.prepare` needs, and not the Dockerfile. */
  readonly isPreparation: boolean;
  /** The directories around all that, by what of the service is in them. */
  readonly enclosing: () => ReadonlyMap<string, AffectedBy["part"]>;
}

/** The rules of `serviceGraph` for one path, of which there are several if links lead to it. */
function matchService(
  needs: ServiceNeeds,
  repository: RepositoryContext,
  path: string,
  sees: (path: string) => boolean,
): AffectedBy | undefined {
  const { directory, context, paths, isPreparation } = needs;
  const { tree } = repository;
  const image: AffectedBy = { part: "image", reason: path };
  if (context.definition.has(path)) return image;
  if (paths.some((pattern) => pattern.means(path) || mayContainMatch(pattern, tree, path))) return image;
  // It says what prepares the image, too.
  if (path === posix.join(directory, needs.serviceFile))
    return { part: isPreparation ? "image" : "tests", reason: path };
  const whole = byDirectory(needs, tree, path);
  const modules = byModules(needs, repository, path);
  // What only tests need, a command of which it is not known what it reads may read as well.
  const certain = modules?.part === "tests" && mayBeRead(context, needs.node, path) ? undefined : modules;
  const found =
    certain ??
    (whole?.part === "image"
      ? whole
      : (byDockerfile(needs, repository, path, sees) ?? whole ?? modules ?? byTests(needs, path)));
  return found?.part === "image" && !sees(path) ? { ...found, part: "tests" } : found;
}

function byModules(
  { go, node, cargo, python, directory, context }: ServiceNeeds,
  { projectOf }: RepositoryContext,
  path: string,
): AffectedBy | undefined {
  const found =
    (go && matchGo(go, directory, path)) ??
    (node && matchNode(node, path)) ??
    (cargo && matchCargo(cargo, directory, path));
  // What is left names also what is for development alone: it has to be in the image, too.
  if (found !== undefined || !context.takes(path)) return found;
  if (node?.inputs.some(({ means }) => means(path)) === true) return { part: "image", reason: path };
  return python && matchPython(python, directory, path, projectOf);
}

function byTests({ go, cargo, mounted }: ServiceNeeds, path: string): AffectedBy | undefined {
  const isTested =
    mounted.has(path) ||
    (go !== undefined && isEmbeddedBy(go.embeddingTests, path)) ||
    (cargo !== undefined && isTestedByCargo(cargo, path));
  return isTested ? { part: "tests", reason: path } : undefined;
}

function byDirectory({ enclosing, context }: ServiceNeeds, tree: SourceTree, path: string): AffectedBy | undefined {
  if (tree.kind(path) === "file") return undefined;
  const part = enclosing().get(path);
  if (part !== undefined) return { part, reason: path };
  return context.sources.some((source) => !source.means(path) && mayContainMatch(source, tree, path))
    ? { part: "image", reason: path }
    : undefined;
}

function byDockerfile(
  { directory, context, go, node, cargo, python, said, only, isFollowed, isPreparation }: ServiceNeeds,
  { tree, projectOf, isOfProgram, isDefinition, isOfOthers, isEmbedded }: RepositoryContext,
  path: string,
  sees: (path: string) => boolean,
): AffectedBy | undefined {
  const image: AffectedBy = { part: "image", reason: path };
  // Another image of the same directory.
  if (isDefinition(path) && !context.names(path)) return undefined;
  if (isIn(directory, path)) {
    if (sees(path)) return image;
    return isDocumentation(directory, path) ? undefined : { part: "tests", reason: path };
  }
  if (!sees(path)) return undefined;
  if (context.names(path)) return image;
  const unread = isRepositoryMetadata(path) || isOfProgram(directory, path) || isDefinition(path);
  const isExcluded = only.length > 0 && !only.some(({ means }) => means(path));
  const swept = context.sweeps(path) && !unread && !isExcluded;
  // A command of which it is not known what it reads may read all that is there.
  if (mayBeRead(context, node, path) && (swept || context.copies(path))) return image;
  if (go !== undefined && isGovernedByGo(go, tree, path)) return undefined;
  if (go !== undefined && isBesideGo(tree, path) && !go.cgo && context.compiledBy("go", path)) return undefined;
  if (context.copies(path) && (node === undefined || context.copies(path, counterparts(node, path)))) return image;
  if (node !== undefined && isGovernedByNode(node, path)) return undefined;
  // What is left is what a Dockerfile that copies everything may read: nothing tells what of it is needed.
  if (!swept) return undefined;
  const isReached = python?.reaches(path) === true;
  if (isFollowed() && isOfOthers(directory, path) && !isReached) return undefined;
  if (go !== undefined && !go.cgo && context.compiledBy("go", path)) return undefined;
  if (cargo?.understood === true && isFollowed() && isLeftOutByCargo(cargo, path, context.compiledBy("cargo", path)))
    return undefined;
  if (python?.understood === true && isFollowed() && !isReached && isLeftOutByPython(directory, path, projectOf))
    return undefined;
  const followed = [cargo, node, python].flatMap((one) => one ?? []);
  // Of Go, it is not known what the image reads when it runs.
  const isNamed = (): boolean => go !== undefined || [...followed, said].some(({ mentions }) => mentions(path));
  if (!isPreparation && isForOperations(path) && isFollowed() && !isNamed()) return undefined;
  // What a package of Go embeds affects only the services with that package, and these have been matched above.
  if (go !== undefined && isEmbedded(path)) return undefined;
  return image;
}

/** Whether a stage has a file, and a command of which it is not known what that reads. */
function mayBeRead(context: BuildContext, node: NodeNeeds | undefined, path: string): boolean {
  return context.mayBeRead(path) || (node?.understood === false && context.isUsedByNode(path));
}

/**
 * The directories that the service, and the packages that it needs, are or are in, each with the most that is in it. Git
 * reports a submodule or a symbolic link to a directory as one path, whatever is in it.
 */
function enclosingDirectories(
  directory: string,
  { go, node, cargo }: Pick<ServiceNeeds, "go" | "node" | "cargo">,
): ReadonlyMap<string, AffectedBy["part"]> {
  const moduleFiles = [...(go?.modules.files ?? [])].map((file) => posix.dirname(file));
  const crates = [...(cargo?.image ?? []), ...(cargo?.outside ?? [])];
  const packages = [...(node?.packages ?? []), ...(node?.inputs ?? []).map(({ root }) => root)];
  const image = [directory, ...moduleFiles, ...(go?.image ?? []), ...packages, ...crates];
  const parts = new Map<string, AffectedBy["part"]>();
  for (const at of [...(go?.tests ?? []), ...(cargo?.tests ?? [])])
    for (const around of upwards(at)) parts.set(around, "tests");
  for (const at of image) for (const around of upwards(at)) parts.set(around, "image");
  return parts;
}

/** Whether a path is a directory in which a pattern may mean something. */
function mayContainMatch({ root, reachesInto }: PathPattern, tree: SourceTree, path: string): boolean {
  const kind = tree.kind(path);
  if (kind === "file") return false;
  // What was removed may have been a directory.
  return isIn(path, root) || (kind === "directory" && reachesInto(path));
}
