import { ConfigError } from "./config-error.ts";
import { evaluate, type Lookup } from "./expression.ts";
import { textOf, type Yaml } from "./yaml.ts";

/** `<< expression >>`, or an escaped `\<<`. */
const marker = /\\<<|<<(?<expression>(?:"(?:[^"\\]|\\.)*"|(?!>>)[^\n])*?)>>/g;

/**
 * A tree with all `<< … >>` replaced. A text that is nothing but one such marker becomes its value, whatever its type;
 * within a text, a value that is not set becomes nothing.
 */
export function interpolated(place: string, value: Yaml, lookup: Lookup): Yaml {
  if (typeof value === "string") return interpolatedText(place, value, lookup);
  if (Array.isArray(value)) return value.map((item, index) => interpolated(`${place}.${index}`, item, lookup));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, interpolated(`${place}.${key}`, member, lookup)]),
  );
}

function interpolatedText(place: string, text: string, lookup: Lookup): Yaml {
  const matches = [...text.matchAll(marker)];
  const [only] = matches;
  const expression = only?.groups?.["expression"];
  if (expression !== undefined && only?.[0] === text.trim()) return evaluate(place, expression, lookup);
  return text.replaceAll(marker, (found: string, inner: string | undefined) => {
    if (inner === undefined) return "<<";
    const value = evaluate(place, inner, lookup);
    if (typeof value === "object" && value !== null)
      throw new ConfigError(place, `${found} is no text: it can only stand alone`);
    return textOf(value);
  });
}
