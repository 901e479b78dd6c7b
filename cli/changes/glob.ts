/**
 * A glob of paths: `*` and `?` stay within a directory, `**` takes any number of directories, also none; `{a,b}` and `[a-z]`
 * are choices. One that names a directory means all in it. Files whose names begin with a dot are files like others.
 */
export function glob(pattern: string): (path: string) => boolean {
  const trimmed = pattern.replace(/^\.?\/+/, "").replace(/\/+$/, "");
  const expression = new RegExp(`^${translate(trimmed)}(?:/.*)?$`, "s");
  return (path) => expression.test(path);
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
