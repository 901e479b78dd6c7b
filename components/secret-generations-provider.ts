import { isDeepStrictEqual } from "node:util";
import { isMap } from "../core/yaml.ts";

/** As `SecretGenerations` declares it: the environment variables of each Secret. */
export interface SecretGenerationsInputs {
  values: Readonly<Record<string, unknown>>;
  /** Added by `check`, so that a preview knows them, too. */
  generations?: Readonly<Record<string, number>>;
}

/** The life of `SecretGenerations`: what Pulumi's dynamic provider calls. All that it knows lies in the state. */
export const secretGenerationsProvider = { check, diff, create, update };

/** How the engine marks what is known only after the update. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * Counts: what differs from the state has changed once more. The engine hands what `check` returns to the program, in a preview
 * as in an update.
 */
async function check(olds: Partial<SecretGenerationsInputs>, news: SecretGenerationsInputs) {
  const values = isMap(news.values) ? news.values : (olds.values ?? {});
  const generations = Object.fromEntries(
    Object.entries(values).map(([name, now]) => {
      const before = olds.values?.[name];
      const generation = olds.generations?.[name];
      if (generation === undefined) return [name, 1];
      const same = before === undefined || isUnknown(now) || isDeepStrictEqual(before, now);
      return [name, same ? generation : generation + 1];
    }),
  );
  return { inputs: { ...news, generations }, failures: [] };
}

/** A value that changes makes a generation change, and nothing else does. */
async function diff(_id: string, olds: SecretGenerationsInputs, news: SecretGenerationsInputs) {
  return { changes: !isDeepStrictEqual(olds.generations, news.generations) };
}

async function create(inputs: SecretGenerationsInputs) {
  return { id: "secret-generations", outs: inputs };
}

async function update(_id: string, _olds: SecretGenerationsInputs, news: SecretGenerationsInputs) {
  return { outs: news };
}

function isUnknown(value: unknown): boolean {
  return value === unknownValue || (isMap(value) && Object.values(value).some(isUnknown));
}
