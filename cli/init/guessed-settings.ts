import { posix } from "node:path";
import type { FoundImage } from "./images.ts";
import type { Links } from "./links.ts";
import { peersText } from "./peer-links.ts";
import type { DroppedVariable } from "./plain-environment.ts";
import { flow, flowList, scalar } from "./yaml-text.ts";

/** One key of the stack file, written out. */
export interface GuessedSetting {
  readonly text: string;
  /** What it is guessed from. */
  readonly because?: string | undefined;
}

/** @param image what it runs in. @default that of all jobs */
export function prepareSetting(missing: readonly string[], command: string, image: string | undefined): GuessedSetting {
  const value = image === undefined ? scalar(command) : flow({ command, image });
  return { text: `build: { prepare: ${value} }`, because: `makes ${missing.join(", ")}, which Git does not have` };
}

/** What one of several containers of an image runs in place of the image's own. */
export function startSettings({ run, isShared }: FoundImage, { command, args }: Links): GuessedSetting[] {
  if (!isShared || run === undefined) return [];
  return Object.entries({ command, args }).flatMap(([name, words]) =>
    words === undefined ? [] : [{ text: `${name}: ${flowList(words)}`, because: run.file }],
  );
}

/** Of what comes to an end by itself. */
export function endSettings({ kind, run }: FoundImage): GuessedSetting[] {
  if (kind === undefined || run === undefined) return [];
  const { schedule, timeZone, concurrency } = run.schedule ?? {};
  return [
    { text: `kind: ${kind}`, because: kind === "job" ? `${run.file}; it runs once for every new image` : run.file },
    ...(schedule === undefined ? [] : [{ text: `schedule: ${JSON.stringify(schedule)}` }]),
    ...(timeZone === undefined ? [] : [{ text: `timeZone: ${scalar(timeZone)}` }]),
    ...(concurrency === undefined || concurrency === "Allow" ? [] : [{ text: `concurrency: ${scalar(concurrency)}` }]),
  ];
}

export function migrationSettings({ migration }: FoundImage): GuessedSetting[] {
  return migration === undefined
    ? []
    : [{ text: `migrations: { command: ${flowList(migration.command)} }`, because: migration.file }];
}

/** @param image what CI runs it in. @default that of all jobs */
export function testSetting(command: string, language: string, image: string | undefined): GuessedSetting {
  return {
    text: `test: { command: ${scalar(command)}${image === undefined ? "" : `, image: ${scalar(image)}`} }`,
    because: language,
  };
}

/** The default, 128Mi, is less than what an empty virtual machine takes. */
export const memoryOfJava: GuessedSetting = {
  text: "resources: { requests: { memory: 256Mi }, limits: { memory: 512Mi } }",
  because: "Java; the default is 128Mi",
};

export function buildSettings(image: FoundImage, isFound: boolean, preset: "service" | "app"): GuessedSetting[] {
  const { dockerfile, context, because, target, buildArgs } = image;
  const beside = posix.dirname(dockerfile);
  const usual = preset === "app" ? "." : beside;
  return [
    ...(isFound ? [] : [{ text: `dockerfile: ${scalar(dockerfile)}` }]),
    ...(context === usual ? [] : [{ text: `context: ${context === "." ? "." : scalar(context)}`, because }]),
    ...(target === undefined ? [] : [{ text: `target: ${scalar(target)}` }]),
    ...(buildArgs === undefined
      ? []
      : [{ text: `buildArgs: ${flow(buildArgs)}`, because: image.run?.build?.because ?? image.run?.file }]),
  ];
}

/** @param file that says how it is run */
export function linkSettings(
  { listens, peers, dependencies, environment, secrets }: Links,
  file: string | undefined,
): GuessedSetting[] {
  const uses = [...dependencies].map(([name, { variable }]) => `${name}: { address: ${variable} }`);
  const reasons = [...dependencies.values()].map(({ because }) => because);
  const added = [...dependencies.values()].filter(({ isKnown }) => !isKnown).map(({ variable }) => variable);
  const hint =
    added.length === 0
      ? []
      : [`→ ${added.join(", ")} as host:port ${added.length === 1 ? "is" : "are"} new to the code`];
  return [
    ...(listens.from === undefined || listens.port === undefined
      ? []
      : [{ text: `port: ${listens.port}`, because: listens.from }]),
    ...(peers.length === 0
      ? []
      : [
          {
            text: peersText(peers),
            because: some(peers.flatMap((peer) => peer.because ?? [])),
          },
        ]),
    ...(uses.length === 0
      ? []
      : [{ text: `dependencies: { ${uses.join(", ")} }`, because: [some(reasons) ?? [], ...hint].flat().join("; ") }]),
    ...(Object.keys(environment).length === 0 ? [] : [{ text: `env: ${flow(environment)}`, because: file }]),
    ...(secrets.length === 0
      ? []
      : [
          {
            text: `secrets: ${flow(Object.fromEntries(secrets.map(({ variable, secret }) => [variable, secret])))}`,
            because: "their values are no settings; `init --check` says how to set them",
          },
        ]),
  ];
}

/** The first of several reasons, each once; `undefined`: there is none. */
function some(reasons: readonly string[]): string | undefined {
  const [first, second, ...more] = new Set(reasons);
  return first === undefined ? undefined : [first, second ?? [], more.length > 0 ? "and so on" : []].flat().join("; ");
}

/** What a service has where it is run, and not here. @param file that says so */
export function runRemarks({ dropped, mounts }: Links, file: string): string[] {
  const away = dropped.filter(({ host }) => host !== undefined);
  const hosts = [...new Set(away.flatMap(({ host }) => host ?? []))];
  const others = Map.groupBy(
    dropped.filter(({ reason }) => reason !== undefined),
    ({ reason }) => reason,
  );
  const groups = [
    ...(away.length === 0
      ? []
      : [`${namesOf(away)} (${hosts.join(", ")}: no ${hosts.length === 1 ? "service" : "services"} here)`]),
    ...[...others].map(([reason, variables]) => `${namesOf(variables)} (${reason})`),
  ];
  return [
    ...(groups.length === 0 ? [] : [`not taken from ${file}: ${groups.join("; ")}`]),
    ...(mounts.length === 0 ? [] : [`→ ${file} mounts ${mounts.join(", ")}: \`volumes\` or \`files\``]),
  ];
}

function namesOf(variables: readonly DroppedVariable[]): string {
  return variables.map(({ name }) => name).join(", ");
}
