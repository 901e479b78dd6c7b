/** What is known of a variable; `undefined`: nothing. */
export type Variables = (name: string) => string | undefined;

/** The words between white space; quotes keep one together, and stay. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let start: number | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (/\s/.test(character)) {
      if (start !== undefined) words.push(text.slice(start, at));
      start = undefined;
      continue;
    }
    start ??= at;
    if (character === "\\") at++;
    else if (character === '"' || character === "'") {
      const end = text.indexOf(character, at + 1);
      // What is open to the end belongs to the last word.
      at = end === -1 ? text.length : end;
    }
  }
  if (start !== undefined) words.push(text.slice(start));
  return words;
}

const deepest = 20;
/** A value that is made of itself twice, again and again, would fill the memory. */
const longestValue = 65_536;

/**
 * A word without its quotes, and with the values of its variables: `$name`, `${name}`, and those with `:-`, `-`, `:+`, `+`,
 * `:?` and `?` and another word, in which there may be variables, too. Each character is read once for every such word around it.
 * Source: https://docs.docker.com/reference/dockerfile/#environment-replacement
 * @param unknown what stands for a variable that has no value, or one that is cut out of a value (`${name%.*}`)
 */
export function expandWord(word: string, known: Variables, unknown = "", depth = 0): string {
  let text = "";
  for (let at = 0; at < word.length; at++) {
    if (text.length > longestValue) return text.slice(0, longestValue);
    const character = word[at] ?? "";
    if (character === "\\") text += word[++at] ?? "";
    else if (character === "'") {
      const end = word.indexOf("'", at + 1);
      text += word.slice(at + 1, end === -1 ? undefined : end);
      at = end === -1 ? word.length : end;
    } else if (character === '"') continue;
    else if (character !== "$") text += character;
    else if (word[at + 1] === "{") {
      const end = closingBrace(word, at + 2);
      text += valueIn(word.slice(at + 2, end), known, unknown, depth);
      at = end;
    } else {
      const [name] = /^\w+/.exec(word.slice(at + 1, at + 1 + longestName)) ?? [];
      if (name === undefined) text += character;
      else {
        text += known(name) ?? unknown;
        at += name.length;
      }
    }
  }
  return text;
}

const longestName = 256;

/** The value of what stands between braces. */
function valueIn(inside: string, known: Variables, unknown: string, depth: number): string {
  const [, name = "", operator = ""] = /^(\w+)(:?[-+?])?/.exec(inside) ?? [];
  const value = known(name);
  const rest = inside.slice(name.length + operator.length);
  if (operator === "") return rest === "" ? (value ?? unknown) : unknown;
  // Without a value, the build fails.
  if (operator.endsWith("?")) return value ?? unknown;
  if (depth >= deepest) return unknown;
  const isSet = value !== undefined && (value !== "" || !operator.startsWith(":"));
  if (operator.endsWith("-")) return isSet ? value : expandWord(rest, known, unknown, depth + 1);
  return isSet ? expandWord(rest, known, unknown, depth + 1) : "";
}

/** Where the brace that was opened before an index is closed again; the end of the text if it is not. */
function closingBrace(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "{") open++;
    else if (text[at] === "}" && --open === 0) return at;
  }
  return text.length;
}
