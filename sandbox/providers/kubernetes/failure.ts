import { isMap } from "../../../kubernetes/json.ts";
import { isSecret, reveal, type PropertyMap, type PropertyValue } from "../property.ts";
import { ResourceInitError } from "../resource-provider.ts";

/** Runs an operation so that no secret value of `properties` shows in its error. */
export async function withoutSecrets<Result>(
  properties: readonly PropertyMap[],
  operation: () => Promise<Result>,
): Promise<Result> {
  try {
    return await operation();
  } catch (error) {
    const secrets = [...new Set(properties.flatMap(secretTexts))].toSorted((a, b) => b.length - a.length);
    const clean = (text: string): string =>
      secrets.reduce((message, secret) => message.replaceAll(secret, "[secret]"), text);
    if (error instanceof ResourceInitError) {
      const { id, outputs, inputs, reasons } = error;
      throw new ResourceInitError(clean(error.message), { id, outputs, inputs, reasons: reasons.map(clean) });
    }
    if (!(error instanceof Error)) throw error;
    error.message = clean(error.message);
    throw error;
  }
}

/** Shorter ones would blank out ordinary words. */
const shortest = 4;

function secretTexts(value: PropertyValue): string[] {
  if (isSecret(value)) return texts(reveal(value));
  if (Array.isArray(value)) return value.flatMap(secretTexts);
  return isMap(value) ? Object.values(value).flatMap(secretTexts) : [];
}

/** Each text in a value, and what it says where it is base64, as in a Secret's data. */
function texts(value: PropertyValue): string[] {
  if (Array.isArray(value)) return value.flatMap(texts);
  if (isMap(value)) return Object.values(value).flatMap(texts);
  if (typeof value !== "string") return [];
  const decoded = Buffer.from(value, "base64").toString("utf8");
  const isBase64 = Buffer.from(decoded, "utf8").toString("base64") === value;
  return [value, ...(isBase64 ? [decoded] : [])].filter((text) => text.trim().length >= shortest);
}
