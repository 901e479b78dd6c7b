import picomatch from "picomatch";
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
  const expressions = alternatives(trimmed)
    .map(picomatchPattern)
    .flatMap((one) => [picomatch.makeRe(one, options), picomatch.makeRe(`${one}/**`, options)]);
  return (path) => expressions.some((expression) => expression.test(path));
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

/** The patterns that the choices in braces stand for. In braces of picomatch, `**` always takes at least one directory. */
function alternatives(pattern: string): string[] {
  const [choice, inside = ""] = /(?<!\\)\{([^{}]*)\}/.exec(pattern) ?? [];
  if (choice === undefined) return pattern === "" ? [] : [pattern];
  return inside.split(",").flatMap((option) => alternatives(pattern.replace(choice, () => option)));
}

/**
 * Escapes the characters that mean something only to picomatch, and lets `**` cross directories also within a name, as in
 * `**.sql`, where picomatch takes it for `*`. More than two stars are two.
 */
function picomatchPattern(pattern: string): string {
  return pattern
    .replaceAll(/\\[^]|["(){}|+]/g, (token) => (token.length > 1 ? token : `\\${token}`))
    .replaceAll(/\*{2,}/g, "**")
    .replaceAll(/\*\*(?=[^/])/g, "**/*")
    .replaceAll(/(?<=[^/])\*\*(?=\/)/g, "*/**");
}
