import { z } from "zod";
import { asProgramConfig, readStackFile } from "../../stacks/stack-file.ts";
import type { CircleCiHarness } from "./circleci-harness.ts";
import { stackSecrets } from "./declared-stack.ts";
import { openMockEngine, runProgram } from "./mock-engine.ts";

const namedSchema = z.object({ name: z.string() });
const partSchema = z.object({ contextId: z.string() });
const restrictionSchema = z.object({ type: z.string(), value: z.string() });

/** What this repository's stacks declare at CircleCI. */
export interface DeclaredAccount {
  readonly settings: Readonly<Record<string, boolean>>;
  readonly contexts: readonly DeclaredContext[];
  /** The variables that every job of the project gets. */
  readonly variables: readonly string[];
}

interface DeclaredContext {
  readonly name: string;
  readonly restrictions: readonly { readonly type: string; readonly value: string }[];
  readonly variables: readonly string[];
}

/** The value of a variable in the stand-in: each has its own, by which it is told where it turns up. */
export function secretOf(variable: string, context = "the project"): string {
  return `${variable} of ${context}`;
}

/** Runs the program for each stack under mocks. */
export async function declaredAccount(
  stacks: readonly string[] = ["dev", "staging", "prod"],
): Promise<DeclaredAccount> {
  const accounts: DeclaredAccount[] = [];
  for (const stack of stacks) {
    const declared = await declaredBy(stack);
    const own = (type: string, logical: string) =>
      declared(type).filter(({ inputs }) => partSchema.parse(inputs).contextId === `${logical}-id`);
    accounts.push({
      settings: Object.assign({}, ...declared("project:Project").map(({ inputs }) => flagsOf(inputs))),
      contexts: declared("context:Context").map(({ name, inputs }) => ({
        name: namedSchema.parse(inputs).name,
        restrictions: own("contextRestriction:ContextRestriction", name).map((one) =>
          restrictionSchema.parse(one.inputs),
        ),
        variables: own("contextEnvironmentVariable:ContextEnvironmentVariable", name).map(
          (one) => namedSchema.parse(one.inputs).name,
        ),
      })),
      variables: declared("projectEnvironmentVariable:ProjectEnvironmentVariable").map(
        ({ inputs }) => namedSchema.parse(inputs).name,
      ),
    });
  }
  return {
    settings: Object.assign({}, ...accounts.map(({ settings }) => settings)),
    contexts: accounts.flatMap(({ contexts }) => contexts),
    variables: accounts.flatMap(({ variables }) => variables),
  };
}

/** Puts an account into the stand-in. */
export async function openAccount(
  harness: CircleCiHarness,
  { settings, contexts, variables }: DeclaredAccount,
): Promise<void> {
  await harness.settings(settings);
  for (const context of contexts) {
    const values = Object.fromEntries(context.variables.map((name) => [name, secretOf(name, context.name)]));
    const id = await harness.context(context.name, values);
    for (const { type, value } of context.restrictions)
      await harness.ask("POST", `/context/${id}/restrictions`, {
        restriction_type: type,
        restriction_value: type === "project" ? harness.projectId : value,
      });
  }
  for (const name of variables)
    await harness.ask("POST", `/project/${harness.slug}/envvar`, { name, value: secretOf(name) });
}

type Declared = (type: string) => readonly { readonly name: string; readonly inputs: Record<string, unknown> }[];

/** The resources of CircleCI that a stack declares, by type. */
async function declaredBy(stack: string): Promise<Declared> {
  const secrets = Object.fromEntries(
    Object.entries(stackSecrets).map(([key, value]) => [
      `delivery:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
  const engine = await openMockEngine(stack, {
    values: { ...asProgramConfig(readStackFile(stack)), ...secrets },
    secretKeys: Object.keys(secrets),
  });
  await runProgram();
  const resources = Object.entries(await engine.resources());
  return (type) =>
    resources.flatMap(([id, inputs]) => {
      const [found = "", name = ""] = id.split("::");
      return found.endsWith(`circleci:index/${type}`) ? [{ name, inputs }] : [];
    });
}

/** `disableSsh: true` → `disable_ssh: true` */
function flagsOf(settings: Record<string, unknown>): Record<string, boolean> {
  const names: Readonly<Record<string, string>> = { autoCancelBuilds: "autocancel_builds" };
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, value]) =>
      typeof value === "boolean"
        ? [[names[key] ?? key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]]
        : [],
    ),
  );
}
