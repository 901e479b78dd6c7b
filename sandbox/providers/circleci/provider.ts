import {
  hasUnknown,
  markSecrets,
  reveal,
  revealMap,
  secret,
  type PropertyMap,
  type PropertyValue,
} from "../property.ts";
import type {
  CheckFailure,
  ConfiguredProvider,
  InvokeResult,
  ReadRequest,
  ReadResult,
  ResourceProvider,
} from "../resource-provider.ts";
import { CircleCiApi, CircleCiError } from "./api.ts";
import { context, contextEnvironmentVariable, contextRestriction } from "./context.ts";
import { lookups } from "./lookups.ts";
import { pipeline } from "./pipeline.ts";
import { project, projectEnvironmentVariable } from "./project.ts";
import { check, diff, ignoring, planned, present, text, type Plain, type ResourceType } from "./resource-type.ts";
import { trigger } from "./trigger.ts";

const version = "0.4.2";
/** The version of the plugin that the generated SDK asks for. */
const pluginVersion = "1.1.3";
const settingNames = ["host", "key", "runnerHost"];

/** The official provider's, three minutes in all. */
const officialRetryDelays = [1, 2, 4, 8, 16, 30, 30, 30, 30, 30].map((seconds) => seconds * 1000);

/** Where it may be kinder than the official provider. */
interface CircleCiProviderOptions {
  /**
   * Milliseconds to wait before each further attempt at a request that was not answered.
   * @default the official provider's, three minutes in all
   */
  retryDelays?: readonly number[];
  /** Takes what is gone already for deleted, where the official provider fails. @default false */
  goneIsDeleted?: boolean;
}

/**
 * The offline provider of the package `circleci` 0.4.2: for the program the same as `terraform-provider` 1.1.3 with the
 * parameters of the generated SDK, in what it refuses and gets wrong, too.
 */
export function createCircleCiProvider(options: CircleCiProviderOptions = {}): ResourceProvider {
  return {
    name: "terraform-provider",
    version: pluginVersion,
    parameterize({ name, version: wanted }) {
      // For a provider that it knows from the state, the engine names the plugin's version in place of the package's.
      if (name !== "circleci" || (wanted !== version && wanted !== pluginVersion)) {
        throw new Error(
          `the offline provider terraform-provider serves circleci ${version} only, not ${name} ${wanted}; the official plugin terraform-provider serves any`,
        );
      }
      return { name, version };
    },
    async checkConfig(news) {
      const { key, ...rest } = news;
      const failures = Object.keys(news)
        .filter((name) => !settingNames.includes(name) && !name.startsWith("__") && name !== "version")
        .map((name): CheckFailure => ({
          property: name,
          reason: `the provider circleci has no setting ${name}; it has ${settingNames.join(", ")}`,
        }));
      return { inputs: { ...rest, ...(key === undefined ? {} : { key: secret(key) }) }, failures };
    },
    async diffConfig({ oldInputs, news, ignoreChanges }) {
      // The engine's own `version` is among the inputs: the package's at first, and later the plugin's.
      const plain = (value: PropertyValue | undefined): PropertyValue => reveal(value ?? "");
      const changed = [...settingNames, "version"].filter(
        (name) =>
          !ignoreChanges.includes(name) && (plain(oldInputs[name]) !== plain(news[name]) || hasUnknown(news[name])),
      );
      return { detailedDiff: Object.fromEntries(changed.map((name) => [name, "update" as const])) };
    },
    async configure(inputs) {
      const { retryDelays = officialRetryDelays, goneIsDeleted = false } = options;
      return configuredProvider(() => connect(inputs, retryDelays), goneIsDeleted);
    },
  };
}

/** Only a call that is really made needs the settings: a preview that creates everything makes none. */
function connect(settings: PropertyMap, retryDelays: readonly number[]): CircleCiApi {
  for (const name of ["host", "key"]) {
    if (hasUnknown(settings[name]))
      throw new Error(
        `the provider circleci is asked for what the API has while its ${name} is not known yet: create what ${name} comes from first`,
      );
  }
  const host = reveal(settings["host"] ?? "https://circleci.com/api/v2");
  const token = reveal(settings["key"] ?? "");
  if (typeof host !== "string" || !URL.canParse(host))
    throw new Error(
      `the provider circleci's host is ${JSON.stringify(host)}: it must be the API's base URL, e.g. https://circleci.com/api/v2`,
    );
  if (typeof token !== "string" || token === "")
    throw new Error(
      "the provider circleci has no key: set a personal API token with `pulumi config set --secret circleciToken`",
    );
  return new CircleCiApi({ host, token, retryDelays });
}

const types = [
  project,
  context,
  contextEnvironmentVariable,
  contextRestriction,
  projectEnvironmentVariable,
  pipeline,
  trigger,
];

/** A provider with its settings. `connected` is called only when the API is really needed. */
function configuredProvider(connected: () => CircleCiApi, goneIsDeleted: boolean): ConfiguredProvider {
  return {
    async check(request) {
      return check(typeOf(request.type), request);
    },
    async diff(request) {
      return diff(typeOf(request.type), request.olds, ignoring(request.ignoreChanges, request.olds, request.news));
    },
    async create(request) {
      const type = typeOf(request.type);
      if (request.preview) return { id: "", outputs: planned(type, request.inputs) };
      const outputs = marked(type, await type.create(connected(), revealMap(request.inputs)), request.inputs);
      return { id: idOf(type, outputs), outputs };
    },
    read: (request) => read(typeOf(request.type), connected(), request),
    async update(request) {
      const type = typeOf(request.type);
      const inputs = ignoring(request.ignoreChanges, request.olds, request.news);
      if (request.preview) return planned(type, inputs, request.olds);
      // Without a word, so that the same difference is found again.
      if (type.update === undefined) return request.olds;
      return marked(type, await type.update(connected(), revealMap(request.olds), revealMap(inputs)), inputs);
    },
    async delete(request) {
      const type = typeOf(request.type);
      try {
        await type.delete(connected(), revealMap(request.state));
      } catch (error) {
        if (!(goneIsDeleted && error instanceof CircleCiError && error.status === 404)) throw error;
      }
    },
    invoke: (token, args) => invoke(token, args, connected),
  };
}

async function read(type: ResourceType, api: CircleCiApi, request: ReadRequest): Promise<ReadResult> {
  const isImport = Object.keys(request.state).length === 0;
  const known = isImport ? type.importState(request.id) : revealMap(request.state);
  if (known === undefined)
    throw new Error(
      `${JSON.stringify(request.id)} does not identify a ${type.token} to import: it must be ${type.importForm}`,
    );
  const found = await type.read(api, known);
  if (found === undefined) return undefined;
  const outputs = marked(type, found, request.state);
  const inputs = isImport
    ? inputsOf(type, outputs)
    : present({ ...request.inputs, ...pick(outputs, Object.keys(request.inputs)) });
  return { id: idOf(type, outputs), outputs, inputs };
}

async function invoke(token: string, args: PropertyMap, connected: () => CircleCiApi): Promise<InvokeResult> {
  const lookup = lookups[token];
  if (lookup === undefined) throw unsupported(token);
  const missing = lookup.needs.filter((name) => args[name] === undefined);
  const failures = missing.map((name) => ({ property: name, reason: `missing required argument ${name} of ${token}` }));
  if (failures.length > 0) return { failures };
  // Only a preview has unknown arguments: what depends on them is not known yet either.
  if (hasUnknown(args)) return { outputs: {} };
  return { outputs: await lookup.run(connected(), revealMap(args)) };
}

function typeOf(token: string): ResourceType {
  const type = types.find((candidate) => candidate.token === token);
  if (type === undefined) throw unsupported(token);
  return type;
}

function unsupported(token: string): Error {
  const known = [...types.map((type) => type.token), ...Object.keys(lookups)]
    .map((name) => name.split(":").at(-1))
    .join(", ");
  return new Error(
    `${token} is not served by the sandbox's offline provider of circleci 0.4.2, which knows ${known}; the official plugin (\`pulumi plugin install resource terraform-provider\`) supports it`,
  );
}

/** Pulumi's bridge gives this id to a resource that has none. */
function idOf(type: ResourceType, outputs: PropertyMap): string {
  return type.hasId ? text(revealMap(outputs), "id") : "missing ID";
}

/** Outputs with the secrets of the schema, and those of the program, in their envelopes again. */
function marked(type: ResourceType, outputs: Plain, like: PropertyMap): PropertyMap {
  const entries = Object.entries(outputs).map(([name, value]): [string, PropertyValue] => [
    name,
    type.fields[name]?.secret === true ? secret(value) : markSecrets(value, like[name]),
  ]);
  return Object.fromEntries(entries);
}

function inputsOf(type: ResourceType, outputs: PropertyMap): PropertyMap {
  return pick(
    outputs,
    Object.keys(type.fields).filter((name) => type.fields[name]?.kind !== "computed"),
  );
}

function pick(map: PropertyMap, names: readonly string[]): PropertyMap {
  return present(Object.fromEntries(names.map((name) => [name, map[name]])));
}
