import { posix } from "node:path";
import {
  parseInstructions,
  splitFlags,
  type Instruction,
} from "../../components/dockerfile/dockerfile-instructions.ts";
import { knownImage } from "./known-images.ts";
import type { Run } from "./run.ts";

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

const asTask =
  ": `migrations: { command }` of the service that needs it, if it prepares its database, or an entry with `kind: job`";

const foreign = /^(node_modules|vendor|third[_-]?party|testdata|fixtures?|site-packages|\..+)$/i;
const development =
  /^(__tests__|tests?|e2e|[\w-]*integration-tests?|spec|docs?|website|hack|bench(mark)?s?|genproto|codegen|templates?|boilerplates?|scaffold\w*|cookiecutter\w*)$/i;
const examples = /^(examples?|samples?)$/i;
const commandLine = /^(cli|[\w.-]+[-_.]cli)$/i;
const seeds = /^seed(s|ing|-?data|er)?$/i;
const once = /^(seed(s|ing|-?data|er)?|(db-?)?migrat(e|ions?|or))$/i;
const migrates = /migrat|alembic|flyway|liquibase|\b(goose|dbmate|sqitch)\b/i;
const tests = /^(tests?|e2e|cypress|playwright|lint|bench(mark)?s?|loadtest|dev|debug)$/i;
const variants =
  /^(base|multi-?arch|arm(64|v\d)?|amd64|watch|hot|dev(el(op(ment)?)?)?|debug|tests?|testing|ci|local|cypress|playwright|e2e|lint|bench|builder|cache|run|windows|win|nanoserver|android|ios|devcontainer|preview)$/i;

/** Whether the name of a container says that it prepares or tests something, and then ends. */
export function runsOnce(name: string): boolean {
  return nameWords(name).some((word) => once.test(word) || variants.test(word));
}

/** Whether a container changes the schema of a database, by its name or by what it runs. */
export function preparesData({ name, command = [], args = [] }: Pick<Run, "name" | "command" | "args">): boolean {
  return [name, ...command, ...args].some((word) => migrates.test(word));
}

/** Why a container that comes to an end is delivered in no way; `undefined`: it may be. */
export function leftOutTask({ name, file, runs }: Run): string | undefined {
  if (runs === "asked") return `${file} does not start it unless asked`;
  const why = nameWords(name).some((word) => seeds.test(word))
    ? "to fill in sample data"
    : nameWords(name).some((word) => tests.test(word))
      ? "for development"
      : undefined;
  return why === undefined
    ? undefined
    : `${file} runs it once ${why}, as its name says; an entry with \`kind: job\` does so`;
}

/** All of a name, and its first and last word. */
function nameWords(name: string): string[] {
  const words = name.split(/[._/-]/);
  return [name, words[0] ?? "", words.at(-1) ?? ""];
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
  const filled = copiedPlaceholder(instructions);
  if (filled !== undefined)
    return `copies ${filled}, which a plugin of Maven or Gradle fills in: only what that makes is a Dockerfile`;
  const reasons = runs.map(leftOutTask);
  if (runs.length > 0 && runs.every(({ runs: when }, index) => when !== "always" && reasons[index] !== undefined))
    return reasons[0];
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
  if (commandLine.test(folders.at(-1) ?? "") && !/^\s*EXPOSE\s/im.test(text))
    return `${folders.at(-1)} is a command line, as it seems: nobody runs it in a cluster`;
  const task = segment(once) ?? (once.test(suffix) ? suffix : undefined);
  return task === undefined ? undefined : `${task} runs once, as it seems, and a service runs all the time${asTask}`;
}

/** What Maven's resource filtering is to replace: https://docs.spring.io/spring-boot/maven-plugin/using.html */
function copiedPlaceholder(instructions: readonly Instruction[]): string | undefined {
  return instructions
    .filter(({ keyword }) => keyword === "COPY" || keyword === "ADD")
    .flatMap(({ rest }) => /@[A-Za-z][\w.]*@|\$\{project\.[\w.]+\}/.exec(rest)?.[0] ?? [])[0];
}
