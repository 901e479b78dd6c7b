import { posix } from "node:path";
import { isDocumentation, isHousekeeping, type Concern } from "./concern.ts";
import { holdsSomeOf } from "./enclosing-directories.ts";
import type { PathPattern } from "./glob.ts";
import { goConcern, isGovernedByGo } from "./go-concern.ts";
import type { GoNeeds } from "./go-graph.ts";
import type { ImageContext } from "./image-context.ts";
import { counterparts, isGovernedByNode, nodeConcern } from "./node-concern.ts";
import type { NodeNeeds } from "./node-packages.ts";
import { isIn, type SourceTree } from "./source-tree.ts";

/** What a service is made of. Paths are from the root of the monorepo. */
export interface ServiceNeeds {
  readonly directory: string;
  readonly context: ImageContext;
  readonly go: GoNeeds | undefined;
  readonly node: NodeNeeds | undefined;
  /** `paths` of its service.yaml. */
  readonly paths: readonly PathPattern[];
  /** The directories around all that, by what of the service is in them. */
  readonly enclosing: () => ReadonlyMap<string, Concern["part"]>;
}

/** What is around all services. */
export interface Surroundings {
  readonly tree: SourceTree;
  /** Whether a file is of another service than that in a directory, or of this program. */
  readonly isOfOthers: (directory: string, file: string) => boolean;
  /** Whether a package of Go in the image of any service embeds a file. */
  readonly isEmbedded: (file: string) => boolean;
}

/** The rules of `serviceGraph` for one path, of which there are several if links lead to it. */
export function serviceConcern(
  needs: ServiceNeeds,
  surroundings: Surroundings,
  path: string,
  sees: (path: string) => boolean,
): Concern | undefined {
  const { directory, context, paths } = needs;
  const { tree } = surroundings;
  const image: Concern = { part: "image", reason: path };
  if (context.definition.has(path)) return image;
  if (paths.some((pattern) => pattern.means(path) || holdsSomeOf(pattern, tree, path))) return image;
  if (path === posix.join(directory, "service.yaml")) return { part: "tests", reason: path };
  const whole = byDirectory(needs, tree, path);
  const found =
    byModules(needs, path) ??
    (whole?.part === "image" ? whole : (byDockerfile(needs, surroundings, path, sees) ?? whole));
  return found?.part === "image" && !sees(path) ? { ...found, part: "tests" } : found;
}

function byModules({ go, node, directory }: ServiceNeeds, path: string): Concern | undefined {
  const found = go && goConcern(go, directory, path);
  return found ?? (node && nodeConcern(node, path));
}

function byDirectory({ enclosing, context }: ServiceNeeds, tree: SourceTree, path: string): Concern | undefined {
  if (tree.kind(path) === "file") return undefined;
  const part = enclosing().get(path);
  if (part !== undefined) return { part, reason: path };
  return context.sources.some((source) => !source.means(path) && holdsSomeOf(source, tree, path))
    ? { part: "image", reason: path }
    : undefined;
}

function byDockerfile(
  { directory, context, go, node, paths }: ServiceNeeds,
  { tree, isOfOthers, isEmbedded }: Surroundings,
  path: string,
  sees: (path: string) => boolean,
): Concern | undefined {
  const image: Concern = { part: "image", reason: path };
  if (context.names(path) && sees(path)) return image;
  if (isDocumentation(directory, path)) return undefined;
  if (isIn(directory, path)) return sees(path) ? image : { part: "tests", reason: path };
  if (go !== undefined && isGovernedByGo(go, tree, path)) return undefined;
  if (context.copies(path) && (node === undefined || context.copies(path, counterparts(node, path))))
    return sees(path) ? image : undefined;
  if (node !== undefined && isGovernedByNode(node, path)) return undefined;
  // What is left is what a Dockerfile that copies everything may read: nothing tells what of it is needed.
  if (paths.length > 0 || !context.sweeps(path) || isHousekeeping(path) || isOfOthers(directory, path))
    return undefined;
  // Of its own packages, Go embeds what they say, and of others' nothing.
  if (go !== undefined && isEmbedded(path)) return undefined;
  return sees(path) ? image : undefined;
}
