import { isIn } from "../affected/source-tree.ts";
import { knownImage } from "./known-images.ts";
import type { Run } from "./run.ts";
import { isSecretVariable } from "./secrets.ts";

/** A database, cache or queue that services use. */
export interface FoundDependency {
  readonly name: string;
  readonly image: string;
  /** The file that speaks of it. */
  readonly file: string;
  /** The variables that it runs with, such as the name of its first database. */
  readonly environment: Readonly<Record<string, string>>;
  /** Those that hold a password: variable → name of the stack's secret. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The values that these have in the repository, by the names of the secrets. */
  readonly passwords: ReadonlyMap<string, string>;
  /** What it has there and cannot have here. */
  readonly remarks: readonly string[];
}

/** Of a command, for people. */
const longest = 80;

/** @param run how the repository runs it; `undefined`: only code speaks of it */
export function foundDependency(name: string, image: string, run: Run | undefined): FoundDependency {
  const known = knownImage(image);
  const { password, data, scratch = [], environment: preset = {} } = known?.kind === "dependency" ? known : {};
  const variables = Object.entries(run?.environment ?? {}).filter(
    // A file with a password is there by Swarm or by Compose.
    ([variable, value]) => value !== "" && !Object.hasOwn(preset, variable) && !variable.endsWith("_FILE"),
  );
  const isSecret = ([variable, value]: readonly [string, string]): boolean =>
    variable === password || isSecretVariable(variable, value);
  const passwords = new Map<string, string>();
  const secrets: Record<string, string> = password === undefined ? {} : { [password]: `${name}-password` };
  for (const [variable, value] of variables
    .filter(isSecret)
    .toSorted(([one], [other]) => Number(other === password) - Number(one === password))) {
    const [shared] = [...passwords].find(([, other]) => other === value) ?? [];
    secrets[variable] ??= shared ?? secretName(name, variable);
    passwords.set(secrets[variable], value);
  }
  for (const variable of run?.secretVariables ?? []) secrets[variable] ??= secretName(name, variable);
  const words = [...(run?.command ?? []), ...(run?.args ?? [])].join(" ");
  const command = words.length > longest ? `${words.slice(0, longest)}…` : words;
  const here = [...scratch, ...(data === undefined ? [] : [data])];
  const files = (run?.mounts ?? []).filter((path) => !here.some((own) => isIn(path, own)));
  return {
    name,
    image,
    file: run?.file ?? "its code",
    environment: { ...Object.fromEntries(variables.filter((entry) => !isSecret(entry))), ...preset },
    secrets,
    passwords,
    remarks: [
      ...(command === "" ? [] : [`→ ${run?.file} runs it with ${command}, for which there is no setting`]),
      ...(files.length === 0 ? [] : [`→ ${run?.file} mounts ${files.join(", ")}, for which there is no setting`]),
    ],
  };
}

/** `db`, `MYSQL_PASSWORD` → `db-mysql-password`; a variable that is called after it needs no more. */
function secretName(name: string, variable: string): string {
  const plain = variable.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return plain.startsWith(`${name}-`) ? plain : `${name}-${plain}`;
}
