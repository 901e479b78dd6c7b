import { posix, relative } from "node:path";
import type { Service } from "../../components/service.ts";
import type { Monorepo } from "../monorepo.ts";
import { isDocumentation, type Concern } from "./concern.ts";
import { glob } from "./glob.ts";
import { goConcern, isGovernedByGo } from "./go-concern.ts";
import { goGraph, type GoNeeds } from "./go-graph.ts";
import { imageContexts, type ImageContext } from "./image-context.ts";
import { isGovernedByNode, nodeConcern } from "./node-concern.ts";
import { nodeGraph, type NodeNeeds } from "./node-packages.ts";
import { isIn, sourceTree, upwards } from "./source-tree.ts";

/** What a service is made of. Paths are from the root of the monorepo. */
export interface ServiceSources {
  readonly service: Service;
  readonly directory: string;
  readonly go: GoNeeds | undefined;
  readonly node: NodeNeeds | undefined;
  /** @returns `undefined`: the file does not concern the service */
  readonly concern: (file: string) => Concern | undefined;
}

/**
 * Finds what each service is made of, in the working tree. A file concerns the image of a service if
 * - a glob of `paths` in its service.yaml means it,
 * - it is the Dockerfile, or the ignore file,
 * - it is part of a Go or Node package that the service needs, directly or not, or says which modules those are,
 * - the Dockerfile copies it, or the directory that it is in, by name,
 * - it is in the service's own directory, or
 * - the Dockerfile copies everything, and nothing says what of it is needed: neither the modules of a language nor `paths`,
 * and the builder sees it: it is in the build context, and not ignored. What the builder does not see concerns the tests at
 * most; so do the tests of Go, what only they import, and service.yaml. Documentation (`*.md`, `docs/`) concerns nothing
 * unless `paths`, the Dockerfile or the code that embeds it names it.
 */
export function serviceGraph(monorepo: Monorepo): ServiceSources[] {
  const tree = sourceTree(monorepo.root);
  const go = goGraph(tree);
  const node = nodeGraph(tree);
  const contextOf = imageContexts(tree, monorepo.images.context);
  const directoryOf = (service: Service): string => relative(monorepo.root, service.directory) || ".";
  const directories = new Set(monorepo.services.map(directoryOf));
  return monorepo.services.map((service) => {
    const directory = directoryOf(service);
    const context = contextOf(directory);
    const needs = {
      directory,
      go: go.needs(directory, context.goPackages),
      node: node.needs(directory),
      paths: (service.paths ?? []).map(glob),
    };
    return { service, ...needs, concern: (file) => concernOf(needs, context, directories, file) };
  });
}

interface Needs {
  readonly directory: string;
  readonly go: GoNeeds | undefined;
  readonly node: NodeNeeds | undefined;
  readonly paths: readonly ((file: string) => boolean)[];
}

function concernOf(
  needs: Needs,
  context: ImageContext,
  services: ReadonlySet<string>,
  file: string,
): Concern | undefined {
  if (needs.paths.some((matches) => matches(file)) || context.definition.has(file))
    return { part: "image", reason: file };
  if (file === posix.join(needs.directory, "service.yaml")) return { part: "tests", reason: file };
  const found = byModules(needs, file) ?? byDockerfile(needs, context, services, file);
  return found?.part === "image" && !context.contains(file) ? { ...found, part: "tests" } : found;
}

function byModules({ go, node, directory }: Needs, file: string): Concern | undefined {
  const found = go && goConcern(go, directory, file);
  return found ?? (node && nodeConcern(node, file));
}

function byDockerfile(
  needs: Needs,
  context: ImageContext,
  services: ReadonlySet<string>,
  file: string,
): Concern | undefined {
  const image: Concern = { part: "image", reason: file };
  if (context.names(file) && context.contains(file)) return image;
  if (isDocumentation(file)) return undefined;
  if (isIn(needs.directory, file)) return image;
  const { go, node, paths } = needs;
  if ((go && isGovernedByGo(go, file)) === true || (node && isGovernedByNode(node, file)) === true) return undefined;
  if (context.copies(file)) return context.contains(file) ? image : undefined;
  if (go !== undefined || node !== undefined || paths.length > 0) return undefined;
  if (!context.sweeps(file) || !context.contains(file)) return undefined;
  // The files of the repository itself, and those of other services.
  if (!file.includes("/") || file.startsWith(".") || /\/Pulumi(\.[^/]+)?\.yaml$/.test(file)) return undefined;
  return upwards(posix.dirname(file)).some((at) => services.has(at)) ? undefined : image;
}
