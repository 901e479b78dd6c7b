import { posix } from "node:path";
import { parseInstructions, splitFlags } from "../../components/dockerfile/dockerfile-instructions.ts";
import { knownImage } from "./known-images.ts";
import type { Run } from "./runs.ts";

/** A Dockerfile of which no service is made, and why. */
export interface LeftOut {
  readonly path: string;
  readonly reason: string;
}

/** `Dockerfile.web` and `web.Dockerfile` → `web`; empty: it is the plain one. */
export function dockerfileSuffix(path: string): string {
  const name = posix.basename(path);
  const [, after] = /^(?:docker|container)file[._-](.+)$/i.exec(name) ?? [];
  const [, before] = /^(.+)[._-](?:docker|container)file$/i.exec(name) ?? [];
  return (after ?? before ?? "").toLowerCase();
}

const asTask = ": `migrations: { command }` of the service that needs it, if it prepares its database";

const foreign = /^(node_modules|vendor|third[_-]?party|testdata|fixtures?|site-packages|\..+)$/i;
const development =
  /^(__tests__|tests?|e2e|[\w-]*integration-tests?|spec|docs?|website|hack|bench(mark)?s?|genproto|codegen|templates?|boilerplates?|scaffold\w*|cookiecutter\w*)$/i;
const examples = /^(examples?|samples?)$/i;
const once = /^(seed(-?data|er)?|(db-?)?migrat(e|ions?|or))$/i;
const variants =
  /^(dev(el(op(ment)?)?)?|debug|tests?|testing|ci|local|cypress|playwright|e2e|lint|bench|builder|cache|run|windows|win|nanoserver|android|ios|devcontainer|preview)$/i;

/** Whether the name of a container says that it prepares or tests something, and then ends. */
export function runsOnce(name: string): boolean {
  const words = [name, name.split(/[._-]/).at(-1) ?? ""];
  return words.some((word) => once.test(word) || variants.test(word));
}

/**
 * Why a Dockerfile is taken for none of a service; `undefined`: it is one. Where that is not clear it is one: a service that is
 * too many shows, and one that is missing does not.
 * @param runs the containers that are built of it
 * @param others all Dockerfiles of the repository
 */
export function leftOutReason(
  path: string,
  text: string,
  runs: readonly Run[],
  others: readonly string[],
): string | undefined {
  const folders = posix.dirname(path).split("/");
  const segment = (pattern: RegExp): string | undefined => folders.find((folder) => pattern.test(folder));
  const own = segment(foreign);
  if (own !== undefined) return `what is in ${own} is not the repository's own, or not delivered`;
  const { instructions } = parseInstructions(text);
  const froms = instructions.filter(({ keyword }) => keyword === "FROM").map(({ rest }) => splitFlags(rest).rest);
  const base = froms.at(-1)?.split(/\s+/)[0];
  if (base === undefined || base === "") return "has no FROM, or one that names no image";
  if (/windows|nanoserver/i.test(base)) return `is made FROM ${base}, which does not run on Linux`;
  const known = knownImage(base);
  if (known?.kind === "dependency") return `is made FROM ${base}: a dependency, and no service of one's own`;
  if (known?.kind === "tool") return `is made FROM ${base}: a tool that observes or runs others`;
  if (runs.length > 0 && runs.every(({ isTask }) => isTask))
    return `${runs[0]?.file} runs it once, or when asked for${asTask}`;
  if (runs.length > 0) return undefined;
  const suffix = dockerfileSuffix(path);
  const isAmongOthers = others.some((other) => other !== path && posix.dirname(other) === posix.dirname(path));
  if (variants.test(suffix) || (isAmongOthers && variants.test(suffix.split(/[._-]/).at(-1) ?? "")))
    return `is a variant for ${suffix}`;
  const development_ = segment(development);
  if (development_ !== undefined) return `is in ${development_}: for development, as it seems`;
  const example = segment(examples);
  if (example !== undefined && others.some((other) => !other.split("/").some((folder) => examples.test(folder))))
    return `is in ${example}: an example, as it seems`;
  const task = segment(once) ?? (once.test(suffix) ? suffix : undefined);
  return task === undefined ? undefined : `${task} runs once, as it seems, and a service runs all the time${asTask}`;
}
