import { z } from "zod";

/** One thing wrong with what the user wrote: the location, what is there, and what to do. */
export interface Problem {
  /** A file, with the key in it if there is one, e.g. `stacks/Pulumi.dev.yaml: images.organization`. */
  location: string;
  message: string;
}

/** One line for people. */
export function problemLine({ location, message }: Problem): string {
  return `${location}: ${message}`;
}

/** The problems that a schema finds in a parsed file. */
export function schemaProblems(file: string, error: z.ZodError, input: unknown): Problem[] {
  return schemaFaults(error, input).map(({ path, message }) => ({
    location: path.length === 0 ? file : `${file}: ${path.join(".")}`,
    message,
  }));
}

/** What a schema finds wrong at a path in what it has parsed. */
export interface SchemaFault {
  readonly path: readonly string[];
  readonly message: string;
}

export function schemaFaults(error: z.ZodError, input: unknown): SchemaFault[] {
  return error.issues.flatMap((issue) => faultsOf(issue, input));
}

function faultsOf(issue: z.core.$ZodIssue, input: unknown): SchemaFault[] {
  const texts = (path: readonly PropertyKey[]): string[] => path.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: texts([...issue.path, key]),
      message: "unknown key; correct its spelling or remove it",
    }));
  }
  // A union says only "invalid input"; the branch that comes closest says what is wrong.
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const given = valueAt(issue.path, input);
    const related = issue.errors.filter((branch) => !isUnrelated(branch, given));
    const isKnownKind = related.length > issue.errors.length - 2 || issue.message.startsWith("Invalid");
    const closest = (isKnownKind ? issue.errors : related).reduce(
      (best, branch) => (depth(branch) > depth(best) ? branch : best),
      [],
    );
    const nested = closest.filter((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys");
    if (nested.length > 0)
      return nested.flatMap((inner) => faultsOf({ ...inner, path: [...issue.path, ...inner.path] }, input));
  }
  if (issue.code === "invalid_key") {
    const [reason] = issue.issues;
    const key = shown(String(issue.path.at(-1)));
    return [{ path: texts(issue.path), message: `${key}: ${lowerFirst(reason?.message ?? "is invalid")}` }];
  }
  const value = valueAt(issue.path, input);
  const message = lowerFirst(messageOf(issue));
  return [{ path: texts(issue.path), message: `${value === undefined ? "missing;" : `${shown(value)}:`} ${message}` }];
}

function valueAt(path: readonly PropertyKey[], input: unknown): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
    input,
  );
}

/** Of several maps that know none of the keys, none is meant: the keys that each misses would say nothing. */
function isUnrelated(branch: readonly z.core.$ZodIssue[], value: unknown): boolean {
  const keys = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  return (
    keys.length > 0 &&
    branch.some(
      (issue) =>
        issue.code === "unrecognized_keys" && issue.path.length === 0 && keys.every((key) => issue.keys.includes(key)),
    )
  );
}

/** Where a schema has no words of its own, the library's are those of JavaScript. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small" && issue.message.startsWith("Too small"))
    return issue.origin === "string" && issue.minimum === 1
      ? "must not be empty"
      : `must be ${issue.inclusive === false ? "above" : "at least"} ${issue.minimum}`;
  if (issue.code === "too_big" && issue.message.startsWith("Too big"))
    return `must be ${issue.inclusive === false ? "below" : "at most"} ${issue.maximum}`;
  if (issue.code === "invalid_value" && issue.message.startsWith("Invalid"))
    return `must be ${alternatives(issue.values.map(String))}`;
  if (issue.code !== "invalid_type" || !issue.message.startsWith("Invalid input")) return issue.message;
  const words: Readonly<Record<string, string>> = {
    object: "must be a map of keys and values",
    record: "must be a map of keys and values",
    array: "must be a list",
    string: "must be a string; quote it",
    boolean: "must be true or false",
    number: "must be a number",
    int: "must be a whole number",
  };
  return words[issue.expected] ?? issue.message;
}

function alternatives(words: readonly string[]): string {
  const [last, ...others] = words.toReversed();
  return others.length === 0 ? `${last}` : `${others.toReversed().join(", ")} or ${last}`;
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === "unrecognized_keys" ? 1 : 0)));
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The largest whole number that most fields of Kubernetes hold. */
const int32 = 2_147_483_647;

/** A whole number as most fields of Kubernetes hold it. @param hint what is said of what is none, or of which kind it is */
export const kubernetesInt = (hint = "Must be a whole number"): z.ZodInt =>
  z.int(hint).max(int32, `Is above ${int32}, more than Kubernetes counts`);

/** A text that must be there; `what` completes "set it to". */
export const nonEmpty = (what: string): z.ZodString =>
  z.string(`Set it to ${what}`).min(1, `Must not be empty; set it to ${what}`);

/** The name of an environment variable. */
export const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "Is not the name of an environment variable");
