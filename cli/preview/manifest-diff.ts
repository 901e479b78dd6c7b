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

/** A file's content that only the update will know. */
const unknownContent = `${unknownWord}\n`;

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
  // Our own files are valid; of the state of somebody else's making nothing is known.
  return document === undefined || !("toJS" in document) || document.errors.length > 0
    ? undefined
    : readValue(document.toJS());
}

/** Lines around a change that are shown, too. */
const contextLines = 3;
/** Beyond it the texts are shown as replaced as a whole: comparing takes lines × changes. */
const mostChanges = 2000;

type Edit = readonly [sign: " " | "-" | "+", line: string];

/** The difference of two texts as in `diff -u`, without the head; empty: they are the same. */
function unifiedDiff(before: string, after: string): string {
  if (before === after) return "";
  const edits = editsBetween(linesOf(before), linesOf(after));
  return hunksOf(edits).join("\n");
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : [...lines.slice(0, -1), `${lines.at(-1)} (no newline at the end)`];
}

/** Myers' shortest edit script. */
function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  const limit = Math.min(before.length + after.length, mostChanges);
  const trace: ReadonlyMap<number, number>[] = [];
  const furthest = new Map<number, number>([[1, 0]]);
  const at = (diagonal: number): number => furthest.get(diagonal) ?? -1;
  for (let depth = 0; depth <= limit; depth++) {
    trace.push(new Map(furthest));
    for (let diagonal = -depth; diagonal <= depth; diagonal += 2) {
      const down = diagonal === -depth || (diagonal !== depth && at(diagonal - 1) < at(diagonal + 1));
      let x = down ? at(diagonal + 1) : at(diagonal - 1) + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return walkBack(trace, before, after);
    }
  }
  return [...before.map((line): Edit => ["-", line]), ...after.map((line): Edit => ["+", line])];
}

function walkBack(
  trace: readonly ReadonlyMap<number, number>[],
  before: readonly string[],
  after: readonly string[],
): Edit[] {
  const edits: Edit[] = [];
  const position = { x: before.length, y: after.length };
  for (const [depth, furthest] of [...trace.entries()].toReversed()) {
    const at = (diagonal: number): number => furthest.get(diagonal) ?? -1;
    const diagonal = position.x - position.y;
    const down = diagonal === -depth || (diagonal !== depth && at(diagonal - 1) < at(diagonal + 1));
    const previous = down ? diagonal + 1 : diagonal - 1;
    const from = { x: at(previous), y: at(previous) - previous };
    while (position.x > from.x && position.y > from.y) {
      edits.push([" ", before[position.x - 1] ?? ""]);
      position.x -= 1;
      position.y -= 1;
    }
    if (depth > 0) edits.push(down ? ["+", after[from.y] ?? ""] : ["-", before[from.x] ?? ""]);
    position.x = from.x;
    position.y = from.y;
  }
  return edits.toReversed();
}

function hunksOf(edits: readonly Edit[]): string[] {
  const near = new Set(
    edits.flatMap(([sign], index) =>
      sign === " " ? [] : Array.from({ length: 2 * contextLines + 1 }, (_, offset) => index - contextLines + offset),
    ),
  );
  const lines: string[] = [];
  const count = { before: 0, after: 0 };
  for (const [index, [sign, line]] of edits.entries()) {
    if (near.has(index)) {
      if (!near.has(index - 1) || index === 0) lines.push(`@@ -${count.before + 1} +${count.after + 1} @@`);
      lines.push(`${sign}${line}`);
    }
    if (sign !== "+") count.before += 1;
    if (sign !== "-") count.after += 1;
  }
  return lines;
}
