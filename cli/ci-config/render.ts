import { Document, isCollection, isMap, isPair, isScalar, visit, type YAMLMap, type YAMLSeq } from "yaml";
import type { CircleConfig } from "./circleci-schema.ts";

/** What fits on a line together with its key. */
const shortEnough = 110;

/** The same text for the same configuration. */
export function render(configuration: CircleConfig, header: string): string {
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
