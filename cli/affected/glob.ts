import picomatch from "picomatch";
import { choice, literal, notSlash, wildcardMatcher, type WildcardToken } from "../../core/wildcard.ts";
import { memoize } from "./source-tree.ts";

/**
 * A glob of paths: `*` and `?` stay within a directory, `**` takes any number of directories, also none; `{a,b}`, `[a-z]` and
 * `[!a]` are choices. One that names a directory means all in it. Files whose names begin with a dot are files like others.
 * Each pattern is compiled once: those of Dockerfiles and workspaces are the same for many services.
 */
export const glob: (pattern: string) => (path: string) => boolean = memoize((pattern) => {
  const trimmed = trimSlashes(pattern);
  if (!wildcard.test(trimmed)) {
    const prefix = `${trimmed}/`;
    return (path) => path === trimmed || path.startsWith(prefix);
  }
  const matchers = alternatives(trimmed).flatMap((one) => {
    const tokens = tokensOf(spelledOut(one));
    return [wildcardMatcher(tokens), wildcardMatcher([...tokens, literal("/"), { one: () => true }, "anything"])];
  });
  return (path) => matchers.some((matches) => matches(path));
});

/** A glob, and what is known of the directories of what it means. */
export interface PathPattern {
  /** The glob itself. */
  readonly path: string;
  readonly means: (path: string) => boolean;
  /** The innermost directory, or the path, that all that it means is in. */
  readonly root: string;
  /** Whether it may mean something in a directory. */
  readonly reachesInto: (directory: string) => boolean;
}

export function pathPattern(path: string): PathPattern {
  const parts = trimSlashes(path).split("/");
  const wild = parts.findIndex((part) => wildcard.test(part));
  return {
    path,
    means: glob(path),
    root: (wild === -1 ? parts : parts.slice(0, wild)).join("/") || ".",
    reachesInto: (directory) => {
      for (const [index, name] of directory.split("/").entries()) {
        const part = parts[index];
        // A choice may have more directories in it.
        if (part === undefined || /\*\*|\{/.test(part)) return true;
        if (!glob(part)(name)) return false;
      }
      return true;
    },
  };
}

const wildcard = /[*?[{\\]/;

/** Only what is documented above: `*` and `**` take dot files, and there is neither `!(a)` nor a negation by `!`. */
const options: picomatch.PicomatchOptions = {
  dot: true,
  flags: "s",
  literalBrackets: false,
  noextglob: true,
  nonegate: true,
  posix: true,
  // `a/**` means what is in a, and not a itself.
  strictSlashes: true,
};

function trimSlashes(pattern: string): string {
  return pattern.replace(/^\.?\/+/, "").replace(/\/+$/, "");
}

/** So many choices in braces a pattern may have; each doubles, at least, what it stands for. */
const mostAlternatives = 1000;

/** The patterns that the choices in braces stand for. */
export function alternatives(pattern: string): readonly string[] {
  let patterns: readonly string[] = pattern === "" ? [] : [pattern];
  for (;;) {
    const expanded = patterns.flatMap((one) => {
      const [choices, inside = ""] = /(?<!\\)\{([^{}]*)\}/.exec(one) ?? [];
      return choices === undefined ? [one] : inside.split(",").map((option) => one.replace(choices, () => option));
    });
    if (expanded.length > mostAlternatives)
      throw new Error(
        `the glob ${JSON.stringify(pattern)} stands for more than ${mostAlternatives} paths; write fewer choices in braces, or several globs`,
      );
    if (expanded.every((one, index) => one === patterns[index])) return expanded.filter((one) => one !== "");
    patterns = expanded;
  }
}

/** Lets `**` be a directory of its own also where it is within a name, as in `**.sql`. More than two stars are two. */
function spelledOut(pattern: string): string {
  return pattern
    .replaceAll(/\*{2,}/g, "**")
    .replaceAll(/\*\*(?=[^/])/g, "**/*")
    .replaceAll(/(?<=[^/])\*\*(?=\/)/g, "*/**");
}

function tokensOf(pattern: string): WildcardToken[] {
  const tokens: WildcardToken[] = [];
  for (const { 0: token, index } of pattern.matchAll(/\*\*\/?|\*|\?|\\[^]|\[[!^]?[^\]/][^\]/]*\]|[^]/gu)) {
    if (token === "**/") tokens.push("directories");
    // `a/**` means what is in a, and not a itself.
    else if (token === "**") tokens.push({ one: () => true }, "anything");
    else if (token === "*") {
      const alone = /(^|\/)$/.test(pattern.slice(0, index)) && /^(\/|$)/.test(pattern.slice(index + 1, index + 2));
      tokens.push(...(alone ? ([notSlash, "name"] as const) : (["name"] as const)));
    } else if (token === "?") tokens.push(notSlash);
    else if (token.length > 1 && token.startsWith("[")) tokens.push(choice(picomatch.makeRe(token, options)));
    else tokens.push(literal(token.replace(/^\\(?=.)/su, "")));
  }
  return tokens;
}
