import { applyPatch } from "rfc6902";
import { z } from "zod";
import { errorMessage } from "../core/error.ts";
import { isMap } from "../core/yaml.ts";

const pointer = z
  .string("Must be a path such as /spec/template")
  .regex(/^(\/.*)?$/, "Must be a path that begins with /")
  .regex(/^([^~]|~[01])*$/, "Must have ~0 where a key has ~, and ~1 where it has /");
const value = z.unknown().refine((given) => given !== undefined, "Must be there, null at least");

/** One operation of a JSON Patch. Source: RFC 6902, chapter 4. */
export const operationSchema = z.discriminatedUnion(
  "op",
  [
    z.strictObject({ op: z.enum(["add", "replace", "test"]), path: pointer, value }),
    z.strictObject({ op: z.literal("remove"), path: pointer }),
    z.strictObject({ op: z.enum(["move", "copy"]), from: pointer, path: pointer }),
  ],
  "Must be add, remove, replace, move, copy or test",
);
type Operation = z.infer<typeof operationSchema>;

/**
 * Makes the operations one after the other.
 * @param document plain data, which stays as it is
 * @returns or why it cannot be done, which names the operation
 */
export function applyOperations(
  document: Readonly<Record<string, unknown>>,
  operations: readonly Operation[],
): { readonly object: Readonly<Record<string, unknown>> } | { readonly problem: string } {
  const object = structuredClone(document);
  for (const [index, operation] of operations.entries()) {
    const problem = pointerProblem(object, operation) ?? applied(object, operation);
    if (problem !== undefined)
      return { problem: `operation ${index + 1} (${operation.op} ${operation.path}): ${problem}` };
  }
  return { object };
}

const nothingThere = "there is nothing at that path";

function applied(object: object, operation: Operation): string | undefined {
  const [failure] = applyPatch(object, [operation]);
  if (failure == null) return undefined;
  if (failure.name === "MissingError") return nothingThere;
  if (failure.name === "TestError") return "another value is there";
  return errorMessage(failure);
}

/**
 * What RFC 6901 says of paths, and the library leaves to JavaScript: it would take `length` of a list for an element, put what
 * replaces `-` where nobody finds it, and throw where text is taken for a map.
 */
function pointerProblem(object: unknown, operation: Operation): string | undefined {
  const { op, path } = operation;
  if (path === "" && op !== "test") return "the object as a whole cannot be changed; name a field, such as /spec";
  if ("from" in operation && !exists(object, operation.from)) return `there is nothing at ${operation.from}`;
  if (op === "remove" || op === "replace" || op === "test") return exists(object, path) ? undefined : nothingThere;
  const tokens = tokensOf(path);
  const parent = found(object, tokens.slice(0, -1));
  const last = tokens.at(-1) ?? "";
  if (Array.isArray(parent?.value))
    return last === "-" || indexOf(last, parent.value.length + 1) !== undefined
      ? undefined
      : `${last} is no place in the list of ${parent.value.length} there; - is the one after the last`;
  if (!isMap(parent?.value)) return nothingThere;
  return last === "__proto__" ? "no field has that name" : undefined;
}

function exists(object: unknown, path: string): boolean {
  return found(object, tokensOf(path)) !== undefined;
}

function tokensOf(path: string): readonly string[] {
  return path
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** @returns what is at that path, if there is something */
function found(object: unknown, tokens: readonly string[]): { readonly value: unknown } | undefined {
  let reached = object;
  for (const token of tokens) {
    if (Array.isArray(reached)) {
      const index = indexOf(token, reached.length);
      if (index === undefined) return undefined;
      reached = reached[index];
    } else if (isMap(reached) && Object.hasOwn(reached, token)) reached = reached[token];
    else return undefined;
  }
  return { value: reached };
}

function indexOf(token: string, length: number): number | undefined {
  return /^(0|[1-9]\d*)$/.test(token) && Number(token) < length ? Number(token) : undefined;
}
