/** Whether a value names a host, on its own or in an address. */
export function isHost(name: string, value: string): boolean {
  return new RegExp(`(^|[/@=,\\s])${literal(name)}(:\\d+|$|[/,\\s])`).test(value) && !/^\d+$/.test(name);
}

/** A host on its own is told from any other word by the name of its variable. */
export function isHostVariable(name: string, value: string, hosts: readonly string[]): boolean {
  return /HOST|ADDR|SERVER|URL|URI|ENDPOINT|BROKER/.test(name) && hosts.includes(value.trim());
}

/** Whether a variable speaks of a host: by an address in its value, or by that name alone where the variable is called so. */
export function namesHost(host: string, [name, value]: readonly [variable: string, value: string]): boolean {
  return value.trim() === host ? isHostVariable(name, value, [host]) : isHost(host, value);
}

/** Whether a word of a command has the address of a host: in a URL, or with a port. */
export function hasAddressOf(host: string, word: string): boolean {
  const name = literal(host);
  return new RegExp(`(^|[\\s=,@/])${name}:\\d+|://(?:[^\\s/@]{1,100}@)?${name}(?=[/:\\s]|$)`).test(word);
}

/** Another name for a host, wherever a value names that. */
export function replaceHost(value: string, name: string, by: string): string {
  return value.replaceAll(new RegExp(`(^|[/@=,\\s])${literal(name)}(?=:\\d+|$|[/,\\s])`, "g"), `$1${by}`);
}

/**
 * The hosts that a program's source or configuration has written into it: in a URL, as host:port in quotes, or as the value of what
 * is called `host`.
 * @param hosts those that count
 */
export function hostsInSource(text: string, hosts: readonly string[]): Set<string> {
  if (hosts.length === 0) return new Set();
  const any = hosts
    .toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .map(literal)
    .join("|");
  const address = new RegExp(
    [
      String.raw`\b[a-z]+://(?:[^\s/@"'\`]{1,100}@)?(${any})(?![\w.-])`,
      String.raw`["'\`](${any}):\d{2,5}\b`,
      // What a variable has by default: `HOST || "cache"`, `${HOST:cache}`.
      String.raw`(?:HOST|ADDR|SERVER|ENDPOINT)\w{0,20}["'\])]{0,3}\s{0,3}(?:\|\||\?\?|,|:-|:|\bor\b)\s{0,3}["']?(${any})(?=["'\s})])`,
      String.raw`\bhost(?:name)?["']?\s{0,9}[:=]\s{0,9}["']?(${any})(?=["'\s,;)]|$)`,
    ].join("|"),
    "gim",
  );
  return new Set(
    [...text.matchAll(address)].map(([, ...found]) => (found.find((host) => host !== undefined) ?? "").toLowerCase()),
  );
}

/** A text as a regular expression that means it alone. */
function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
