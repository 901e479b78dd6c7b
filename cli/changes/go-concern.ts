import { posix } from "node:path";
import type { Concern } from "./concern.ts";
import type { GoNeeds } from "./go-graph.ts";
import { isEmbedded, isGoSourceFile } from "./go-packages.ts";
import { isIn } from "./source-tree.ts";

/** What a file is to a service by the imports of Go. @param own the service's directory */
export function goConcern(needs: GoNeeds, own: string, file: string): Concern | undefined {
  if (needs.modules.files.has(file)) return { part: "image", reason: file };
  const directory = posix.dirname(file);
  const reason = isIn(own, file) ? file : `shared code ${directory}`;
  const part = partOf(needs, own, directory, file);
  return part === undefined ? undefined : { part, reason };
}

function partOf(needs: GoNeeds, own: string, directory: string, file: string): Concern["part"] | undefined {
  for (const [at, patterns] of needs.embedding) if (isEmbedded(at, patterns, file)) return "image";
  const [, tested] = /^(?:(.*)\/)?testdata\//.exec(file) ?? [];
  if (tested !== undefined) return needs.tested.has(tested) || isIn(own, file) ? "tests" : undefined;
  if (file.endsWith("_test.go")) return needs.tested.has(directory) || isIn(own, file) ? "tests" : undefined;
  if (!isGoSourceFile(file)) return undefined;
  if (needs.image.has(directory)) return "image";
  // The service's own directory has a rule of its own.
  return needs.tests.has(directory) && !isIn(own, file) ? "tests" : undefined;
}

/** Whether the imports alone say what a file is to a service. */
export function isGovernedByGo({ modules }: GoNeeds, file: string): boolean {
  if (modules.vendor.some((at) => isIn(at, file))) return true;
  if (!isGoSourceFile(file) && !/(^|\/)testdata\//.test(file)) return false;
  return [...modules.local.values()].some((at) => isIn(at, file));
}
