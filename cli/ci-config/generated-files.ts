import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Document, isCollection, isMap, isPair, isScalar, visit, type YAMLMap, type YAMLSeq } from "yaml";
import { writeFileAtomically } from "../../core/atomic-file.ts";

/** A file that an engine reads. */
export interface GeneratedFile {
  /** Below the directory of the engine's files. */
  readonly name: string;
  readonly text: string;
}

/** Where the files in a directory are not as they must be: the file, and the first difference. */
export function staleFiles(directory: string, files: readonly GeneratedFile[]): readonly string[] {
  return files.flatMap(({ name, text }) => {
    const path = join(directory, name);
    if (!existsSync(path)) return [`${path} is not there`];
    const lines = readFileSync(path, "utf8").split("\n");
    const desired = text.split("\n");
    const index = desired.findIndex((line, at) => line !== lines[at]);
    const at = index === -1 && lines.length > desired.length ? desired.length : index;
    if (at === -1) return [];
    return [`${path} is stale: line ${at + 1} is ${quoted(lines[at])}, and must be ${quoted(desired[at])}`];
  });
}

export function writeFiles(directory: string, files: readonly GeneratedFile[]): void {
  for (const { name, text } of files) writeFileAtomically(join(directory, name), text);
}

/** In quotes, since the difference may be the end of the line or its indentation. */
function quoted(line: string | undefined): string {
  return line === undefined ? "missing" : JSON.stringify(line);
}

/** How long a collection may be to be written on one line, in characters. */
const shortEnough = 110;

/** Writes a configuration as YAML, below a comment. The same configuration gives the same text. */
export function render(configuration: object, header: string): string {
  const document = new Document(configuration, { aliasDuplicateObjects: false });
  document.commentBefore = header.replaceAll(/^/gm, " ");
  visit(document, {
    Collection(_key, node, path) {
      // A line for each job of a workflow: with hundreds of services it stays readable.
      node.flow = isShortLeaf(node) && !isRunStep(path.at(-1)) && path.length > 1;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function isShortLeaf(node: YAMLMap | YAMLSeq): boolean {
  const values = isMap(node) ? node.items.map(({ value }) => value) : node.items;
  if (values.some((value) => isCollection(value))) return false;
  const text = JSON.stringify(node.toJSON());
  return text.length <= shortEnough && !text.includes("\\n");
}

function isRunStep(parent: unknown): boolean {
  return isPair(parent) && isScalar(parent.key) && parent.key.value === "run";
}
