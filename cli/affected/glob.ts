/**
 * A glob of paths: `*` and `?` stay within a directory, `**` takes any number of directories, also none; `{a,b}` and `[a-z]`
 * are choices. One that names a directory means all in it. Files whose names begin with a dot are files like others.
 */
export function glob(pattern: string): (path: string) => boolean {
  const trimmed = pattern.replace(/^\.?\/+/, "").replace(/\/+$/, "");
  const expression = new RegExp(`^${translate(trimmed)}(?:/.*)?$`, "s");
  return (path) => expression.test(path);
}

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
  const parts = path
    .replace(/^\.?\/+/, "")
    .replace(/\/+$/, "")
    .split("/");
  const wild = parts.findIndex((part) => /[*?[{\\]/.test(part));
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

function translate(pattern: string): string {
  return pattern.replaceAll(
    /\*\*\/|\*\*|\*|\?|\[!?[^\]]+\]|\{[^{}]*\}|\\?[^]/gu,
    (token) => tokens[token] ?? choice(token) ?? token.replace(/^\\/, "").replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"),
  );
}

const tokens: Readonly<Record<string, string>> = { "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" };

function choice(token: string): string | undefined {
  if (token.startsWith("{") && token.length > 1) {
    return `(?:${token
      .slice(1, -1)
      .split(",")
      .map((option) => translate(option))
      .join("|")})`;
  }
  if (token.startsWith("[") && token.length > 1)
    return `[${token.slice(1, -1).replace(/^!/, "^").replaceAll("\\", "\\\\")}]`;
  return undefined;
}
