import { readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { Service } from "../../components/service/service.ts";
import { acceptance, type Acceptance } from "../../cli/project/acceptance.ts";
import { uncommittedSources } from "../../cli/affected/uncommitted-sources.ts";
import { acceptedGuess } from "../../cli/init/accepted-guess.ts";
import { applicationSecrets } from "../../cli/init/needs.ts";
import { ask, githubName, readRepository } from "../../cli/init/repository.ts";
import { appName } from "../../cli/init/guess.ts";
import type { Monorepo } from "../../cli/project/monorepo.ts";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { problemLine } from "../../core/problem.ts";
import { isMap, parseSettings, writeYaml } from "../../core/yaml.ts";
import { parseSetting, stackFileName, stackFilePath } from "../../stacks/stack-file.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { ownStacksDirectory } from "../machine/endpoints.ts";
import type { Choice } from "./choice.ts";
import type { Head } from "./snapshot.ts";
import { overlaySettings } from "./stack-overlay.ts";

/** The sandbox's stack of a monorepo of the user's. */
export interface MonorepoStack {
  readonly settings: StackSettings;
  /** Paths relative to this process' directory. */
  readonly services: readonly Service[];
  /** The names of the secrets that services and dependencies have. */
  readonly secrets: readonly string[];
  /** What the repository itself has as the value of some of them. */
  readonly secretValues: ReadonlyMap<string, string>;
  /** What the user may want to know of how the stack came about. */
  readonly remarks: readonly string[];
  /** The stack file's text. */
  readonly text: string;
}

/** Where the monorepo is as CI sees it, which has this program beside it. */
export function sourceDirectory(stateDir: string): string {
  return join(stateDir, "monorepo", "source");
}

/** What the delivery CLI knows of the monorepo. */
export function monorepoOf({ settings, services }: MonorepoStack): Monorepo {
  const { app, images } = settings;
  return { app, root: app.directory, images, services, file: "stacks/Pulumi.sandbox.yaml" };
}

interface Described {
  /** Settings by key without the project's prefix. */
  readonly own: Readonly<Record<string, unknown>>;
  /** For messages. */
  readonly file: string;
  readonly remarks: readonly string[];
  readonly secretValues: ReadonlyMap<string, string>;
}

/**
 * Makes the stack file with which the sandbox runs a monorepo of the user's, whose snapshot is there already.
 * @param excluded services that are to have no part in it, and why: CI would fail with each of them
 * @throws Error with all that the program would refuse
 */
export async function makeStack(
  stateDir: string,
  choice: Choice,
  head: Head,
  excluded: ReadonlyMap<string, string> = new Map(),
): Promise<MonorepoStack> {
  const root = relative(process.cwd(), join(sourceDirectory(stateDir), head.prefix)) || ".";
  const github = githubName(await ask(head.root, ["config", "--get", "remote.origin.url"]));
  const described =
    choice.stack === undefined
      ? await guessed(root, choice, github, excluded)
      : ofFile(stackFilePath(choice.stack), root, excluded);
  const name = appName(basename(choice.directory));
  const settings = overlaySettings({
    own: described.own,
    sandbox: settingsIn(stackFilePath("sandbox")),
    directory: root,
    repository: repositoryName(described.own, github ?? `local/${name}`),
    // The sandbox puts in the address that it really has.
    program: "http://127.0.0.1:3000/sandbox/delivery.git",
  });
  const text = stackFileText(settings);
  const accepted = acceptance(described.file, text, "sandbox");
  if (accepted.settings === undefined || accepted.problems.length > 0)
    throw new Error(`\n  ${accepted.problems.map(problemLine).join("\n  ")}`);
  writeFileAtomically(join(ownStacksDirectory(stateDir), stackFileName("sandbox")), text);
  const { dependencies } = accepted.settings;
  return {
    settings: accepted.settings,
    services: accepted.services,
    secrets: [...new Set(applicationSecrets(dependencies, accepted.services))].toSorted(),
    secretValues: described.secretValues,
    remarks: described.remarks,
    text,
  };
}

/** What `delivery init` would write, without services that no commit has all files of: CI could not build these. */
async function guessed(
  root: string,
  { directory }: Choice,
  github: string | undefined,
  excluded: ReadonlyMap<string, string>,
): Promise<Described> {
  const repository = { ...(await readRepository(root)), github, branch: "main", checkout: directory };
  const file = `the stack file that \`delivery init\` would write for ${directory}`;
  const first = acceptedGuess(repository, file, undefined, excluded);
  const missing = await withoutSources(first.accepted, root, file);
  const unwanted = new Map([...excluded, ...missing]);
  const { guess, text } = missing.size === 0 ? first : acceptedGuess(repository, file, undefined, unwanted);
  const leftOut = guess.leftOut.map(({ path, reason }) => `${path}: ${reason}`);
  if (guess.services.length === 0)
    throw new Error(
      `${directory}: Git knows no Dockerfile there of which a service can be made${leftOut.map((line) => `\n  ${line}`).join("")}`,
    );
  const remarks = [
    ...guess.services.flatMap(({ name, remarks: own }) => own.map((remark) => `${name}: ${remark}`)),
    ...leftOut.map((line) => `no service: ${line}`),
  ];
  return { own: plainSettings(text), file, remarks, secretValues: guess.secretValues };
}

async function withoutSources(
  { settings, services }: Acceptance,
  root: string,
  file: string,
): Promise<ReadonlyMap<string, string>> {
  if (settings === undefined) return new Map();
  const { app, images } = settings;
  const missing = await uncommittedSources({ app, images, services, root, file });
  return new Map([...missing].map(([name, sentences]) => [name, sentences.join("; ")]));
}

function ofFile(file: string, root: string, excluded: ReadonlyMap<string, string>): Described {
  const own = settingsIn(file);
  return {
    own: excluded.size === 0 ? own : withoutServices(own, file, root, excluded),
    file,
    remarks: [],
    secretValues: new Map(),
  };
}

/** The settings without some services, also where others name these as their peers. */
function withoutServices(
  own: Readonly<Record<string, unknown>>,
  file: string,
  root: string,
  excluded: ReadonlyMap<string, string>,
): Readonly<Record<string, unknown>> {
  const app = { ...Object(own["app"]), directory: root };
  const { services } = acceptance(file, stackFileText({ ...own, app }), "sandbox");
  const kept = services
    .filter(({ name }) => !excluded.has(name))
    .map(({ directory }) => relative(root, directory) || ".");
  // A pattern in braces means each of them; in braces of its own, a single one would be a name.
  const pattern = kept.length === 1 ? kept[0] : `{${[...new Set(kept)].join(",")}}`;
  const entries = Object.entries(isMap(own["services"]) ? own["services"] : {});
  const others = entries
    .filter(([key]) => !excluded.has(key))
    .map(([key, value]) => [key, withoutPeers(value, excluded)]);
  return { ...own, app: { ...app, services: pattern }, services: Object.fromEntries(others) };
}

function withoutPeers(settings: unknown, excluded: ReadonlyMap<string, string>): unknown {
  if (!isMap(settings)) return settings;
  const { peers, ...rest } = settings;
  if (Array.isArray(peers)) return { ...rest, peers: peers.filter((peer) => !excluded.has(String(peer))) };
  if (!isMap(peers)) return settings;
  return { ...rest, peers: Object.fromEntries(Object.entries(peers).filter(([peer]) => !excluded.has(peer))) };
}

function settingsIn(file: string): Readonly<Record<string, unknown>> {
  const text = readFileSync(file, "utf8");
  const read = parseSettings(text);
  if ("problem" in read) throw new Error(`${file}: ${read.problem}`);
  return plainSettings(text);
}

function plainSettings(text: string): Readonly<Record<string, unknown>> {
  const read = parseSettings(text);
  const config = "value" in read && isMap(read.value) && isMap(read.value["config"]) ? read.value["config"] : {};
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      const name = key.replace(/^delivery:/, "");
      return [name, typeof value === "string" ? parseSetting(name, value) : value];
    }),
  );
}

function stackFileText(settings: Readonly<Record<string, unknown>>): string {
  return writeYaml({
    config: Object.fromEntries(Object.entries(settings).map(([key, value]) => [`delivery:${key}`, value])),
  });
}

/** As the stack file says, else the checkout's remote, else a name of the sandbox's own. */
function repositoryName(own: Readonly<Record<string, unknown>>, otherwise: string): string {
  const { github } = own;
  const said = isMap(github) ? github["repository"] : undefined;
  return typeof said === "string" && /^[\w.-]+\/[\w.-]+$/.test(said) ? said : otherwise;
}
