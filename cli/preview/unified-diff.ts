/** Lines around a change that are shown, too. */
const context = 3;
/** Beyond it the texts are shown as replaced as a whole: comparing takes lines × changes. */
const mostChanges = 2000;

type Edit = readonly [sign: " " | "-" | "+", line: string];

/** The difference of two texts as in `diff -u`, without the head; empty: they are the same. */
export function unifiedDiff(before: string, after: string): string {
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
      sign === " " ? [] : Array.from({ length: 2 * context + 1 }, (_, offset) => index - context + offset),
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
