/** What the head of a Go file says. */
export interface GoSource {
  readonly package: string;
  readonly imports: readonly string[];
  /** The patterns of its `//go:embed` directives. */
  readonly embeds: readonly string[];
}

// White space, semicolons and comments.
const gap = String.raw`(?:[\s;]|//[^\n]*(?:\n|$)|/\*[^]*?\*/)*`;
const clause = new RegExp(`${gap}package\\s+(\\w+)`, "y");
const declaration = new RegExp(`${gap}import\\b${gap}`, "y");
const path = String.raw`(?:"([^"\n]*)"|\x60([^\x60]*)\x60)`;
const spec = new RegExp(`${gap}(?:(?:\\w+|\\.)${gap})?${path}`, "y");
const opening = /\(/y;
const closing = new RegExp(`${gap}\\)`, "y");

/** Imports come before all other declarations, so only the head of the file is parsed. Constraints of a build are not weighed. */
export function parseGoSource(text: string): GoSource | undefined {
  // A generator, a script: part of no package.
  if (/^\/\/(go:build|\s*\+build) ignore\s*$/m.test(text.slice(0, 4096))) return undefined;
  const head = at(clause, text, 0);
  const name = head?.[1];
  if (name === undefined) return undefined;
  return { package: name, imports: imports(text, clause.lastIndex), embeds: embeds(text) };
}

function imports(text: string, start: number): string[] {
  if (at(declaration, text, start) === undefined) return [];
  const begin = declaration.lastIndex;
  const block = at(opening, text, begin) !== undefined;
  if (!block) {
    const [, quoted, raw] = at(spec, text, begin) ?? [];
    return quoted === undefined && raw === undefined ? [] : [quoted ?? raw ?? "", ...imports(text, spec.lastIndex)];
  }
  const found: string[] = [];
  for (let from = opening.lastIndex; ; from = spec.lastIndex) {
    if (at(closing, text, from) !== undefined) return [...found, ...imports(text, closing.lastIndex)];
    const [, quoted, raw] = at(spec, text, from) ?? [];
    // Not Go; its compiler says so.
    if (quoted === undefined && raw === undefined) return found;
    found.push(quoted ?? raw ?? "");
  }
}

function embeds(text: string): string[] {
  if (!text.includes("//go:embed")) return [];
  return [...text.matchAll(/^\s*\/\/go:embed\s+(.*)$/gm)].flatMap(([, patterns = ""]) =>
    [...patterns.matchAll(/"([^"]*)"|`([^`]*)`|(\S+)/g)].map((match) =>
      (match[1] ?? match[2] ?? match[3] ?? "").replace(/^all:/, ""),
    ),
  );
}

function at(expression: RegExp, text: string, index: number): RegExpExecArray | undefined {
  expression.lastIndex = index;
  return expression.exec(text) ?? undefined;
}
