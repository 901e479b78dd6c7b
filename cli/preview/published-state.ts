import { readFile } from "node:fs/promises";
import { z } from "zod";
import { errorMessage } from "../../core/error.ts";
import { gitHubPage } from "../../core/github-web.ts";
import { jsonOrText } from "../../core/json.ts";
import type { DeployBranch } from "../../git/deploy-branch.ts";
import { commitToBranch, readBranch, type CommitResult } from "../../git/deploy-repository.ts";
import { authsToRead, authToWrite, logIn, type GitAuth } from "../../git/git-auth.ts";
import { gitAt } from "../../git/git-command.ts";
import { shortName } from "../../stacks/stack-file.ts";
import { CommandError } from "../command.ts";
import type { Project } from "../project/stack-file.ts";
import { credentialName, redaction, secretSignature, signatureKey } from "../pulumi/redaction.ts";
import { secretPlaceholder as placeholder } from "../../core/setting-values.ts";
import { placeholderKubeconfig } from "./placeholders.ts";

/** The scrubbed state of a stack, if there is one, and where it is from. */
export interface PublishedState {
  readonly state: ScrubbedState | undefined;
  /** Where it is from, or why there is none. */
  readonly source: string;
}

/** The branch of the scrubbed states, in the monorepo's repository, which pull requests of forks can read. */
export const stateBranch = "delivery-state";

const fileOf = (stack: string): string => `${shortName(stack)}.json`;

/** The content of a state's file. It is the same for the same state, so that a commit is made only when the state changes. */
export function stateText(state: ScrubbedState): string {
  return `${JSON.stringify(state, undefined, 1)}\n`;
}

/** Puts the scrubbed state of a stack on the branch, by a commit that starts no pipeline. */
export async function publishState(project: Project, stack: string, state: ScrubbedState): Promise<CommitResult> {
  const { repository, login } = authToWrite(await sourceUrl(project, stack), process.env);
  using _login = logIn(login);
  return await commitToBranch({ repository, branch: stateBranch }, async () => ({
    write: { [fileOf(stack)]: stateText(state) },
    message: `state(${shortName(stack)}): for previews without credentials [skip ci]\n`,
  }));
}

/**
 * Reads the scrubbed state of a stack from the branch, with no more of a login than that takes. A state that cannot be read
 * is no error. To be called before any code of a pull request runs in this process.
 */
export async function readPublishedState(project: Project, stack: string): Promise<PublishedState> {
  const reasons: string[] = [];
  for (const access of authsToRead(await sourceUrl(project, stack), process.env)) {
    try {
      return await readStateAs(access, fileOf(stack));
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const [reason = ""] = errorMessage(error).split("\n");
      reasons.push(reason);
    }
  }
  // The error of the last attempt, made with the most permissions.
  return { state: undefined, source: reasons.at(-1) ?? "" };
}

async function readStateAs({ repository, login }: GitAuth, file: string): Promise<PublishedState> {
  using _login = logIn(login);
  const target: DeployBranch = { repository, branch: stateBranch };
  const text = await readBranch(target, async (snapshot) => (await snapshot.read([file])).get(file));
  if (text === undefined)
    return {
      state: undefined,
      source: `branch ${stateBranch} has no ${file}; \`delivery publish-state\` writes it`,
    };
  return { state: parseState(`${file} on branch ${stateBranch}`, text), source: `branch ${stateBranch}` };
}

/** @throws CommandError if it cannot be read, or is no state */
export async function readStateFile(file: string): Promise<PublishedState> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new CommandError(`${file}: ${errorMessage(error)}`, { cause: error });
  });
  return { state: parseState(file, text), source: file };
}

function parseState(location: string, text: string): ScrubbedState {
  const parsed = stateSchema.safeParse(jsonOrText(text));
  if (parsed.success) return parsed.data;
  throw new CommandError(`${location} is no scrubbed state; write it with \`delivery publish-state\``);
}

/** The monorepo's repository: where its checkout is from, or else as the stack file says. It may have a login in it. */
async function sourceUrl(project: Project, stack: string): Promise<string> {
  const file = project.stackFile(shortName(stack));
  const settings = file.find("app", "github");
  if (settings === undefined)
    throw new CommandError(`there is no ${file.path} in ${process.cwd()}; run this in the program's directory`);
  const { app, github } = settings;
  const origin = await gitAt(app.directory)(["config", "--get", "remote.origin.url"]).then(
    (output) => output.toString().trim(),
    () => "",
  );
  if (origin !== "") return origin;
  if (github !== undefined) return `${gitHubPage(github.api, github.repository)}.git`;
  throw new CommandError(
    `the monorepo's repository is not known: ${app.directory} has no remote \`origin\`, and the stack file no github.repository`,
  );
}

/** An export of a stack's state, as `pulumi stack export --show-secrets` gives it; of a resource only what a preview needs. */
const resourceSchema = z.object({
  urn: z.string(),
  custom: z.boolean(),
  id: z.string().optional(),
  type: z.string(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
  parent: z.string().optional(),
  provider: z.string().optional(),
  dependencies: z.array(z.string()).optional(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).optional(),
  protect: z.boolean().optional(),
  external: z.boolean().optional(),
  delete: z.boolean().optional(),
  retainOnDelete: z.boolean().optional(),
  aliases: z.array(z.string()).optional(),
});

export const stateSchema = z.object({
  version: z.literal(3),
  deployment: z.object({ resources: z.array(resourceSchema).nullish() }),
});
export type ScrubbedState = z.infer<typeof stateSchema>;

// Version 4 is version 3 with a list of features that the engine must know, e.g. for resources with hooks. What needs a feature
// is left out of a scrubbed state, so that any engine reads it.
const exportSchema = stateSchema.extend({ version: z.literal([3, 4]) });
type Resource = z.infer<typeof resourceSchema>;

/**
 * The state without secrets: what is encrypted becomes a placeholder of the same shape, the credentials of providers and the
 * contents of Kubernetes Secrets too, and a secret value is taken out wherever else it stands.
 * @param exported with the secrets in plain text, so that they can be looked for
 * @param published what everybody may read anyhow: a secret of the same text, e.g. a user's name, is none
 * @throws CommandError if a secret is part of a resource's name or id
 */
export function scrubState(exported: unknown, published: string): ScrubbedState {
  const { deployment } = exportSchema.parse(exported);
  const resources = deployment.resources ?? [];
  const secrets = resources.flatMap(({ inputs, outputs }) => [...secretsIn(inputs), ...secretsIn(outputs)]);
  const { value, text } = redaction(secrets, published);
  const scrubbed = resources.map((resource): Resource => {
    const { inputs, outputs, ...rest } = resource;
    const shown = JSON.stringify(rest);
    if (text(shown) !== shown)
      throw new CommandError(
        `the state cannot be published: a secret is part of the name or id of ${resource.type}; nothing was written`,
      );
    const clean = (properties: Resource["inputs"]): Resource["inputs"] =>
      properties === undefined
        ? undefined
        : z.record(z.string(), z.unknown()).parse(value(scrub(properties, resource.type)));
    return {
      ...rest,
      ...(inputs === undefined ? {} : { inputs: clean(inputs) }),
      ...(outputs === undefined ? {} : { outputs: clean(withInputs(outputs, inputs)) }),
    };
  });
  return { version: 3, deployment: { resources: scrubbed } };
}

/** Some providers keep the inputs in the outputs, as one secret if any of them is secret, and compare with them. */
function withInputs(outputs: Resource["outputs"] & object, inputs: unknown): Record<string, unknown> {
  return "__inputs" in outputs ? { ...outputs, __inputs: inputs } : outputs;
}

function isEnvelope(value: object): value is { plaintext?: unknown } {
  return signatureKey in value && value[signatureKey as keyof typeof value] === secretSignature;
}

/** The values of all secrets: texts, and of maps the members that are secret by their names. */
function secretsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (isEnvelope(value)) return membersOf(openEnvelope(value), "secret");
  return Object.values(value).flatMap(secretsIn);
}

function membersOf(value: unknown, name: string): string[] {
  if (typeof value === "string") {
    if (!credentialName.test(name)) return [];
    const plain = decoded(value);
    return plain === undefined ? [value] : [value, plain, ...membersOf(jsonOrText(plain), "")];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => membersOf(item, Array.isArray(value) ? name : key));
}

/** The values of a Kubernetes Secret are in base64; `undefined`: this one is not. */
function decoded(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/]{8,}={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const plain = Buffer.from(text, "base64").toString();
  return /^[\x20-\x7e\s]+$/.test(plain) ? plain : undefined;
}

function openEnvelope({ plaintext }: { plaintext?: unknown }): unknown {
  // Without --show-secrets there is only what is encrypted.
  return typeof plaintext === "string" ? jsonOrText(plaintext) : undefined;
}

function sealed(value: unknown): object {
  return { [signatureKey]: secretSignature, plaintext: JSON.stringify(value) };
}

const secretData = new Set(["data", "stringData"]);

/** The type of the resource that counts how often each Secret has changed. */
export const countedSecrets = "pulumi-nodejs:dynamic/delivery:SecretGenerations";

function scrub(value: unknown, type: string, key = ""): unknown {
  if (typeof value === "string")
    return type.startsWith("pulumi:providers:") && credentialName.test(key) ? sealed(placeholderFor(key)) : value;
  if (Array.isArray(value)) return value.map((item) => scrub(item, type, key));
  if (typeof value !== "object" || value === null) return value;
  if (isEnvelope(value)) return sealed(emptied(openEnvelope(value), key, type === countedSecrets));
  if (type === "kubernetes:core/v1:Secret" && secretData.has(key)) return sealed(emptied(value, key));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, scrub(item, type, name)]));
}

/**
 * A value of the same shape, which providers expect, without what was in it.
 * @param isAlike whether all texts become the same, whatever they are called. @default what is called a kubeconfig becomes one
 */
function emptied(value: unknown, key: string, isAlike = false): unknown {
  if (Array.isArray(value)) return value.map((item) => emptied(item, key, isAlike));
  if (typeof value === "object" && value !== null) {
    // Secrets within secrets: the inputs that the Kubernetes provider keeps in the outputs.
    if (isEnvelope(value)) return emptied(openEnvelope(value), key, isAlike);
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, emptied(item, name, isAlike)]));
  }
  if (typeof value === "number") return 0;
  return typeof value === "boolean" ? value : placeholderFor(isAlike ? "" : key);
}

function placeholderFor(key: string): string {
  return /kubeconfig/i.test(key) ? placeholderKubeconfig() : placeholder;
}
