/** The variables of a file `.env`, each with those above it filled in. */
export function environmentFile(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name, value = ""] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined) found[name] = expand(value.replace(/\s+#.*$/, "").replace(/^(["'])(.*)\1$/, "$2"), found);
  }
  return found;
}

/** `$NAME`, `${NAME}`, `${NAME:-default}`; what is not known is empty. */
export function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$(?:\$|(\w+)|\{(\w+)(?::?([-?+])([^{}]*))?\})/g,
    (all, bare?: string, braced?: string, operator?: string, word = "") => {
      if (all === "$$") return "$";
      const value = known[bare ?? braced ?? ""] ?? "";
      if (operator === "+") return value === "" ? "" : expand(word, known);
      return value === "" && operator === "-" ? expand(word, known) : value;
    },
  );
}
