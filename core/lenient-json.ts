/** JSON with comments and commas too many, as TypeScript and Bun take it; `undefined`: it is none. */
export function parseLenientJson(text: string): unknown {
  const parts: string[] = [];
  let last = -1;
  const add = (part: string): void => {
    last = parts.push(part) - 1;
  };
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? "";
    if (character === '"') {
      let end = at + 1;
      while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
      add(text.slice(at, end + 1));
      at = end + 1;
    } else if (text.startsWith("//", at)) {
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end;
    } else if (text.startsWith("/*", at)) {
      const end = text.indexOf("*/", at + 2);
      at = end === -1 ? text.length : end + 2;
    } else {
      if ((character === "}" || character === "]") && parts[last] === ",") parts[last] = "";
      if (!/\s/.test(character)) add(character);
      at++;
    }
  }
  try {
    return JSON.parse(parts.join(""));
  } catch {
    return undefined;
  }
}
