import { structuredPatch } from "diff";
import { parseAllDocuments } from "yaml";
import type { FileChange } from "./model.ts";
import { isMap, readValue, unknownWord, valueAt, type Step, type Value } from "./step.ts";

/** The files that the stack keeps in the deploy repository, before and afterwards. */
export interface Manifests {
  /** The environment's directory; empty: the stack has no files there. */
  readonly directory: string;
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
}

interface StackManifests extends Manifests {
  /** The files whose content only the update knows; empty text: there are some, and not even their names are known. */
  readonly unknown: readonly string[];
}

/** In place of a file's content that is not known before the update. */
const unknownContent = `${unknownWord}\n`;

export function manifestsOf(steps: readonly Step[]): StackManifests {
  const directoryOf = (step: Step | undefined): string => {
    const directory = valueAt(step?.after ?? step?.before, ["directory"]);
    return typeof directory === "string" ? directory : "";
  };
  // The waves of clusters after the first have the same, in directories whose names begin with that one.
  const [step] = steps
    .filter(({ type }) => type.endsWith(":GitManifests"))
    .toSorted((one, other) => directoryOf(one).length - directoryOf(other).length);
  return {
    directory: directoryOf(step),
    before: filesIn(step?.before),
    after: filesIn(step?.after),
    unknown: unknownFiles(step?.after),
  };
}

function unknownFiles(inputs: Value | undefined): string[] {
  const files = valueAt(inputs, ["files"]);
  if (!isMap(files)) return inputs === undefined ? [] : [""];
  return Object.entries(files).flatMap(([path, content]) =>
    typeof content === "string" && content !== unknownWord ? [] : [path],
  );
}

/** A release record counts only where there is none yet; the release commands write all others. */
function filesIn(inputs: Value | undefined): Map<string, string> {
  const files = valueAt(inputs, ["files"]);
  const entries = isMap(files) ? Object.entries(files) : [];
  return new Map(entries.map(([path, content]) => [path, typeof content === "string" ? content : unknownContent]));
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
interface ManifestChange {
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
  // The program's own files are valid; a state that somebody else has made may hold anything.
  return document === undefined || !("toJS" in document) || document.errors.length > 0
    ? undefined
    : readValue(document.toJS());
}

/** Unchanged lines that are shown around a change. */
const contextLines = 3;
/** Lines added and removed. Beyond it the texts are shown as a whole: comparing takes lines × changes. */
const mostChanges = 2000;

/** The difference of two texts as in `diff -u`, without the head and the lengths of the hunks. */
function unifiedDiff(before: string, after: string): string {
  const [old, now] = [terminated(before), terminated(after)];
  const patch = structuredPatch("", "", old, now, undefined, undefined, {
    context: contextLines,
    maxEditLength: mostChanges,
  });
  const hunks = patch?.hunks ?? [{ oldStart: 1, newStart: 1, lines: [tooManyChanges, ...replacedLines(old, now)] }];
  return hunks.flatMap(({ oldStart, newStart, lines }) => [`@@ -${oldStart} +${newStart} @@`, ...lines]).join("\n");
}

/** Ends the last line, and says so where it had no end. */
function terminated(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text} (no newline at the end)\n`;
}

const tooManyChanges = `(more than ${mostChanges} lines differ: the file is shown as replaced, and not compared line by line)`;

function replacedLines(before: string, after: string): string[] {
  const lines = (text: string, sign: string): string[] =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => `${sign}${line}`);
  return [...lines(before, "-"), ...lines(after, "+")];
}
