import { posix } from "node:path";
import { choice, literal, notSlash, wildcardMatcher, type WildcardToken } from "../../core/wildcard.ts";
import { memoize } from "./source-tree.ts";

/**
 * One line of an ignore file, compiled.
 *
 * Docker and BuildKit match by the rules of https://github.com/moby/patternmatcher, which are neither Git's nor those of shells:
 * patterns are anchored at the context's root, and `**` takes any number of folders, also none. It also takes them within a
 * name, as in `a**b`, and there are no braces. No library for globs has these rules, so they are implemented here.
 */
export interface IgnorePattern {
  /** Whether it is an exception (`!`), which takes a path in again. */
  exception: boolean;
  /** Whether the pattern means this very path, relative to the context and with `/`. */
  matches: (path: string) => boolean;
  /** Whether it could mean something in that folder; true where it is hard to tell. */
  reachesInto: (folder: string) => boolean;
}

/**
 * The patterns in an ignore file's text: without comments, empty lines, a byte order mark and leading slashes.
 *
 * @throws Error that names the invalid pattern.
 */
export function parseIgnoreFile(text: string): IgnorePattern[] {
  const patterns: IgnorePattern[] = [];
  for (const line of text.replace(/^\ufeff/, "").split("\n")) {
    if (line.startsWith("#")) continue;
    const trimmed = line.trim();
    if (trimmed === "") continue;
    patterns.push(patternOf(trimmed));
  }
  return patterns;
}

/** Each is compiled once: the ignore files of many services have the same. */
const patternOf = memoize((trimmed): IgnorePattern => {
  const exception = trimmed.startsWith("!");
  const given = exception ? trimmed.slice(1).trim() : trimmed;
  const cleaned = given === "" ? "/" : clean(given);
  if (exception && cleaned === "/")
    throw new Error(`the pattern "${trimmed}" excepts nothing: write a path behind the "!"`);
  return compile(cleaned.length > 1 ? cleaned.replace(/^\//, "") : cleaned, exception);
});

/** For each pattern, whether it means the path; one that means a folder means all in it. */
export function matchPatterns(
  patterns: readonly IgnorePattern[],
  path: string,
  parent: readonly boolean[] | undefined,
): boolean[] {
  let ignored = false;
  return patterns.map((pattern, index) => {
    // BuildKit tries a pattern only where it could change the outcome, and what it does not try it does not hand down either.
    const meant = parent?.[index] === true || (pattern.exception === ignored && pattern.matches(path));
    if (meant) ignored = !pattern.exception;
    return meant;
  });
}

/** Whether the last pattern that means a path excludes it. */
export function isIgnored(patterns: readonly IgnorePattern[], meantBy: readonly boolean[]): boolean {
  const last = meantBy.lastIndexOf(true);
  return last >= 0 && patterns[last]?.exception === false;
}

/** Whether the patterns exclude a path, alone or with a folder that it is in. */
export function ignores(patterns: readonly IgnorePattern[], path: string): boolean {
  const folders = path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  const meantBy = folders.reduce<boolean[] | undefined>((parent, at) => matchPatterns(patterns, at, parent), undefined);
  return isIgnored(patterns, meantBy ?? []);
}

/** The shortest equal path, as Go's `path.Clean` makes it. */
function clean(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, "") : normal;
}

function compile(pattern: string, exception: boolean): IgnorePattern {
  // A pattern such as "./!a" is cleaned to an exception, too.
  if (!exception && pattern.startsWith("!")) return compile(pattern.slice(1), true);
  assertWellFormed(pattern);
  if (wildcards.test(pattern) && expressions.test(pattern))
    return { exception, matches: () => exception, reachesInto: () => true };
  const wildcard = pattern.search(wildcards);
  const prefix = wildcard < 0 ? `${pattern}/` : pattern.slice(0, pattern.lastIndexOf("/", wildcard) + 1);
  return {
    exception,
    matches: matcher(pattern),
    reachesInto: (folder) => prefix.startsWith(`${folder}/`) || (wildcard >= 0 && `${folder}/`.startsWith(prefix)),
  };
}

const wildcards = /[*?[\]\\]/;

/**
 * What Docker hands to its regular expressions as it stands (moby/patternmatcher 0.6.1): there `a*|b` is what begins with "a" or ends
 * with "b", and `\d` a digit. What such a pattern means is left open: it ignores nothing, and an exception takes in everything.
 */
const expressions = /\||\\[0-9a-z]/i;

function matcher(pattern: string): (path: string) => boolean {
  if (!wildcards.test(pattern)) return (path) => path === pattern;
  if (pattern === "**") return () => true;
  const head = /^([^*?[\]\\]*)\*\*$/.exec(pattern)?.[1];
  if (head !== undefined) return (path) => path.startsWith(head);
  const tail = /^\*\*([^*?[\]\\]+)$/.exec(pattern)?.[1];
  if (tail !== undefined) return (path) => path.endsWith(tail) || (tail.startsWith("/") && path === tail.slice(1));
  return wildcardMatcher(translate(pattern));
}

function translate(pattern: string): WildcardToken[] {
  return [...pattern.matchAll(/\*\*\/?|\*|\?|\\[^]|\[\^?(?:\\[^]|[^\]\\])+\]|[^]/gu)].map(({ 0: token, index }) => {
    if (token.startsWith("**")) return index + token.length === pattern.length ? "anything" : "directories";
    if (token === "*") return "name";
    if (token === "?") return notSlash;
    if (token.length > 1 && token.startsWith("[")) return choice(new RegExp(`^${token}$`));
    return literal(token.replace(/^\\(?=.)/su, ""));
  });
}

const classCharacter = String.raw`(?:\\[^]|[^\\\]-])`;
const classRange = `${classCharacter}(?:-${classCharacter})?`;
const wellFormed = new RegExp(`^(?:[^\\\\[]|\\\\[^]|\\[\\^?(?:${classRange})+\\])*$`);

/** Go refuses a pattern with an open or empty character class or a lone backslash at its end; so does BuildKit. */
function assertWellFormed(pattern: string): void {
  if (wellFormed.test(pattern)) return;
  throw new Error(
    `the pattern "${pattern}" is malformed: close "[" by "]", give it at least one character, and end on no "\\"`,
  );
}
