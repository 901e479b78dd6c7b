import { posix } from "node:path";
import type { Concern } from "./concern.ts";
import type { GoNeeds } from "./go-graph.ts";
import { isEmbedded, isGoSourceFile } from "./go-packages.ts";
import { isIn, type SourceTree } from "./source-tree.ts";

/** What a file is to a service by the imports of Go. @param own the service's directory */
export function goConcern(needs: GoNeeds, own: string, file: string): Concern | undefined {
  if (needs.modules.files.has(file)) return { part: "image", reason: file };
  const directory = posix.dirname(file);
  const reason = isIn(own, file) ? file : `shared code ${directory}`;
  const part = partOf(needs, own, directory, file);
  return part === undefined ? undefined : { part, reason };
}

function partOf(needs: GoNeeds, own: string, directory: string, file: string): Concern["part"] | undefined {
  if (isEmbeddedBy(needs, file)) return "image";
  const [, tested] = /^(?:(.*)\/)?testdata\//.exec(file) ?? [];
  if (tested !== undefined) return needs.tested.has(tested) || isIn(own, file) ? "tests" : undefined;
  if (file.endsWith("_test.go")) return needs.tested.has(directory) || isIn(own, file) ? "tests" : undefined;
  if (!isGoSourceFile(file)) return undefined;
  if (needs.image.has(directory)) return "image";
  // The service's own directory has a rule of its own.
  return needs.tests.has(directory) && !isIn(own, file) ? "tests" : undefined;
}

/** Whether a package in the image of a service embeds a file. */
export function isEmbeddedBy({ embedding }: GoNeeds, file: string): boolean {
  for (const [at, patterns] of embedding) if (isEmbedded(at, patterns, file)) return true;
  return false;
}

/** Whether the imports alone say what a file is to a service. Code in other languages is Go's only in a package of Go. */
export function isGovernedByGo({ modules }: GoNeeds, tree: SourceTree, file: string): boolean {
  if (/\.go$|(^|\/)go\.(mod|sum|work|work\.sum)$/.test(file)) return true;
  if (modules.vendor.some((at) => isIn(at, file))) return true;
  const testdata = /(^|\/)testdata\//.test(file);
  if (!testdata && !isGoSourceFile(file)) return false;
  if (![...modules.local.values()].some((at) => isIn(at, file))) return false;
  return testdata || tree.list(posix.dirname(file)).files.some((name) => name.endsWith(".go"));
}
