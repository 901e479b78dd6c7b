/**
 * The variables of a file `.env`, each with those above it filled in, by the rules of Compose: values in quotes may have several
 * lines, only those in double quotes have escapes, and those in single quotes stay as they are.
 * Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
 */
export function environmentFile(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = "", double, single, bare = ""] of text.replace(/^\ufeff/, "").matchAll(assignment)) {
    if (single !== undefined) found[name] = single.replaceAll(/\\([^])/g, (all, next) => (next === "'" ? "'" : all));
    else if (double !== undefined) found[name] = expand(unescaped(double), found);
    else found[name] = expand(bare.split(" #", 1).join("").trimEnd(), found);
  }
  return found;
}

const assignment =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*[=:][ \t]*(?:"([^"\\]*(?:\\[^][^"\\]*)*)"|'([^'\\]*(?:\\[^][^'\\]*)*)'|(.*))/gm;

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  '"': '"',
  "\\": "\\",
  $: "$$",
};

function unescaped(text: string): string {
  return text.replaceAll(/\\([^])/g, (all, next: string) => escapes[next] ?? all);
}

const deepest = 20;

/**
 * `$NAME`, `${NAME}`, and those with `:-`, `-`, `:+`, `+`, `:?` and `?` and a text, in which there may be variables, too; `$$` is
 * a `$`. What is not known is empty, and what is none of all this stays.
 * Source: https://docs.docker.com/reference/compose-file/interpolation/
 */
export function expand(text: string, known: Readonly<Record<string, string>>): string {
  return expandPart(text, { known, closing: closingBraces(text) }, [0, text.length], 0);
}

interface Expansion {
  readonly known: Readonly<Record<string, string>>;
  /** Where each brace is closed. */
  readonly closing: ReadonlyMap<number, number>;
}

/** Each character is read once, however deep it is. */
function expandPart(text: string, expansion: Expansion, [from, to]: readonly [number, number], depth: number): string {
  if (depth > deepest) return "";
  const { known, closing } = expansion;
  const reference = /\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?)([-+?])|(?=\})))/g;
  const pieces: string[] = [];
  let at = from;
  for (;;) {
    reference.lastIndex = at;
    const match = reference.exec(text);
    if (match === null || match.index >= to) break;
    const [all, bare, braced, colon, operator] = match;
    pieces.push(text.slice(at, match.index));
    const end = braced === undefined ? undefined : closing.get(match.index + 1);
    const name = bare ?? braced ?? "";
    const value = Object.hasOwn(known, name) ? known[name] : undefined;
    const isSet = value !== undefined && (value !== "" || colon !== ":");
    at = match.index + all.length;
    if (all === "$$") pieces.push("$");
    else if (braced === undefined) pieces.push(value ?? "");
    else if (end === undefined) pieces.push(all);
    else {
      if (operator === (isSet ? "+" : "-")) pieces.push(expandPart(text, expansion, [at, end], depth + 1));
      else if (operator !== "+") pieces.push(value ?? "");
      at = end + 1;
    }
  }
  return [...pieces, text.slice(at, to)].join("");
}

function closingBraces(text: string): Map<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (const { 0: brace, index } of text.matchAll(/[{}]/g)) {
    if (brace === "{") open.push(index);
    else {
      const opened = open.pop();
      if (opened !== undefined) closing.set(opened, index);
    }
  }
  return closing;
}
