import { hasUnknown, markSecrets, revealMap, secret } from "../property.ts";
import type { PropertyMap, PropertyValue } from "../property.ts";
import { ResourceInitError } from "../resource-provider.ts";
import type { ConfiguredProvider, InvokeResult, ReadRequest, ReadResult } from "../resource-provider.ts";
import { CircleCiError } from "./api.ts";
import type { CircleCiApi } from "./api.ts";
import { check } from "./check.ts";
import { contextEnvironmentVariable } from "./context-environment-variable.ts";
import { contextRestriction } from "./context-restriction.ts";
import { context } from "./context.ts";
import { lookups } from "./lookups.ts";
import { pipeline } from "./pipeline.ts";
import { diff, ignoring, planned } from "./plan.ts";
import { projectEnvironmentVariable } from "./project-environment-variable.ts";
import { project } from "./project.ts";
import { present, text } from "./resource-type.ts";
import type { Plain, ResourceType } from "./resource-type.ts";
import { trigger } from "./trigger.ts";

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
export function configuredProvider(connected: () => CircleCiApi): ConfiguredProvider {
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
      const outputs = await created(type, connected(), request.inputs);
      return { id: idOf(type, outputs), outputs };
    },
    read: (request) => read(typeOf(request.type), connected(), request),
    async update(request) {
      const type = typeOf(request.type);
      const inputs = ignoring(request.ignoreChanges, request.olds, request.news);
      if (type.update === undefined) {
        const changed = Object.keys(diff(type, request.olds, inputs).detailedDiff).join(", ");
        throw new Error(
          `${changed} of ${type.token} ${request.name} cannot be changed in place: set the resource option replaceOnChanges, since the official provider does nothing and finds the same difference again`,
        );
      }
      if (request.preview) return planned(type, inputs, request.olds);
      return marked(type, await type.update(connected(), revealMap(request.olds), revealMap(inputs)), inputs);
    },
    async delete(request) {
      const type = typeOf(request.type);
      try {
        await type.delete(connected(), revealMap(request.state));
      } catch (error) {
        // Gone is what was wanted, also where another did it or an earlier attempt was not recorded.
        if (!(error instanceof CircleCiError && error.status === 404)) throw error;
      }
    },
    invoke: (token, args) => invoke(token, args, connected),
  };
}

async function created(type: ResourceType, api: CircleCiApi, inputs: PropertyMap): Promise<PropertyMap> {
  try {
    return marked(type, await type.create(api, revealMap(inputs)), inputs);
  } catch (error) {
    if (!(error instanceof ResourceInitError)) throw error;
    const { id, reasons } = error;
    throw new ResourceInitError(error.message, { id, reasons, inputs, outputs: marked(type, error.outputs, inputs) });
  }
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
