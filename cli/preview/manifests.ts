import { parseAllDocuments } from "yaml";
import type { FileChange } from "./model.ts";
import type { Step } from "./step.ts";
import { unifiedDiff } from "./unified-diff.ts";
import { isMap, readValue, unknownWord, valueAt, type Value } from "./value.ts";

/** The files that the stack keeps in the deploy repository, before and afterwards. */
export interface Manifests {
  /** The environment's directory; empty: the stack has no files there. */
  readonly directory: string;
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
}

/** A file's content that only the update will know. */
const later = `${unknownWord}\n`;

export function manifestsOf(steps: readonly Step[]): Manifests {
  const step = steps.find(({ type }) => type.endsWith(":GitManifests"));
  const directory = valueAt(step?.after ?? step?.before, ["directory"]);
  return {
    directory: typeof directory === "string" ? directory : "",
    before: filesIn(step?.before),
    after: filesIn(step?.after),
  };
}

/** A release record counts only where there is none yet; the release commands write all others. */
function filesIn(inputs: Value | undefined): Map<string, string> {
  const files = valueAt(inputs, ["files"]);
  const entries = isMap(files) ? Object.entries(files) : [];
  return new Map(entries.map(([path, content]) => [path, typeof content === "string" ? content : later]));
}

/** The files that change, sorted by path. */
export function fileChanges({ before, after }: Manifests): FileChange[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return paths.flatMap((path): FileChange[] => {
    const [old, content] = [before.get(path), after.get(path)];
    if (old === content) return [];
    const state = old === undefined ? "added" : content === undefined ? "removed" : "changed";
    return [{ path, state, diff: unifiedDiff(old ?? "", content ?? "") }];
  });
}

/** A Kubernetes object in the deploy repository that changes. */
export interface ManifestChange {
  readonly kind: string;
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

/** The objects of one service that change; a kustomization only lists the others. */
export function manifestChanges({ directory, before, after }: Manifests, service: string): ManifestChange[] {
  const inService = (path: string): boolean => path.startsWith(`${directory}/${service}/`);
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter(inService).toSorted();
  return paths.flatMap((path) => {
    if (before.get(path) === after.get(path)) return [];
    const [old, now] = [objectIn(before.get(path)), objectIn(after.get(path))];
    const kind = valueAt(now ?? old, ["kind"]);
    return typeof kind === "string" && kind !== "Kustomization" ? [{ kind, before: old, after: now }] : [];
  });
}

function objectIn(content: string | undefined): Value | undefined {
  const [document] = content === undefined ? [] : parseAllDocuments(content);
  // Our own files are valid; of the state of somebody else's making nothing is known.
  return document === undefined || !("toJS" in document) || document.errors.length > 0
    ? undefined
    : readValue(document.toJS());
}
