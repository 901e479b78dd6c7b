import type { Problem } from "./problem.ts";

/**
 * What no setting may hold, wherever in the file it stands: a secret, since a manifest would show it, and characters that do not
 * arrive on the cluster as they are.
 * @param input the settings of a file without those that are secrets by their names
 */
export function valueProblems(file: string, input: unknown): Problem[] {
  return leaves(input).flatMap(([path, value]) => {
    const location = path.length === 0 ? file : `${file}: ${path.join(".")}`;
    if (typeof value !== "string") return [{ location, message: secretHint(path) }];
    const character = unsafe.exec(value)?.[0] ?? "";
    const code = `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    const message = `holds the character ${code}, which is lost on the way to the cluster; take it out, or encode the value`;
    return character === "" ? [] : [{ location, message }];
  });
}

/** What a schema finds, and what no setting may hold; each location is told once. */
export function withValueProblems(file: string, input: unknown, problems: readonly Problem[]): Problem[] {
  const values = valueProblems(file, input);
  const within = ({ location }: Problem): boolean =>
    values.some((value) => location === value.location || location.startsWith(`${value.location}.`));
  return [...values, ...problems.filter((problem) => !within(problem))];
}

/**
 * In place of a secret's text, where a preview is made without credentials. It is base64, as the values of a Kubernetes Secret must be,
 * and nothing else that a secret may have to be, such as a key.
 */
export const secretPlaceholder = Buffer.from("placeholder").toString("base64");

/** Why a setting may be no secret, and where the secret belongs. @param path the setting's, without the project's prefix */
export function secretHint(path: readonly string[]): string {
  const variables = path.slice(0, -1);
  const isVariable = path.at(-2) === "env" && path.at(-3) !== "test";
  const name = [...variables.slice(0, -1), "secrets", path.at(-1)].join(".");
  const use = isVariable
    ? `, and write that name into ${name}`
    : "; where a setting takes a secret, it takes that name";
  return `is a secret, and a plain setting is shown in manifests and reports; remove it here, set it with \`pulumi config set --secret --path 'secrets.<name>'\`${use}`;
}

/** The paths of all secrets in a value as a stack file has it. */
export function securePaths(value: unknown): (readonly string[])[] {
  return leaves(value).flatMap(([path, leaf]) => (typeof leaf === "string" ? [] : [path]));
}

/** Whether it is what Pulumi writes into a stack file in place of a secret. */
export function isSecure(value: unknown): value is { readonly secure: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "secure" in value &&
    typeof value.secure === "string" &&
    Object.keys(value).length === 1
  );
}

/** Whether a text arrives on the cluster as it is. */
export function isPlainText(text: string): boolean {
  return !unsafe.test(text);
}

/**
 * NUL, with which no container starts; and what kustomize refuses, or turns into spaces: control characters, line separators
 * and halves of characters.
 */
const unsafe =
  /[\0\u007f-\u009f\u2028\u2029\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** All texts and secrets in a value, with their paths. */
function leaves(
  value: unknown,
  path: readonly string[] = [],
  within: readonly unknown[] = [],
): [path: readonly string[], value: string | object][] {
  if (typeof value === "string" || isSecure(value)) return [[path, value]];
  // An alias in YAML can stand within its own anchor.
  if (typeof value !== "object" || value === null || within.includes(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key], [...within, value]));
}
