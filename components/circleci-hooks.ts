import { AsyncLocalStorage } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { errorMessage } from "../core/error.ts";
import { quoteForShell } from "../core/shell.ts";

/** Where CircleCI's API is, and who asks. */
interface CircleCiAccess {
  host: string;
  token: pulumi.Output<string>;
}

/** Seconds. The provider itself tries for three minutes, for every resource. */
const patience = 10;

/**
 * What the engine calls when it creates or updates a resource of CircleCI, and when that fails: the provider passes on the
 * API's bare answers, and these say what the user can do. They run with the program only, so not in a plain destroy.
 * @param name of the component that the resources belong to
 */
export function circleCiHooks(name: string, access: CircleCiAccess): pulumi.ResourceHookBinding {
  const asked: { answer?: Promise<void> } = {};
  const reach = new pulumi.ResourceHook(`${name}-circleci-answers`, () => (asked.answer ??= assertAnswers(access)));
  // Where several programs run in one process, a log belongs to the one that it is written in.
  const inProgram = AsyncLocalStorage.snapshot();
  const explain = new pulumi.ErrorHook(`${name}-circleci-failed`, (failure) => {
    const hint = circleCiHint(name, failure);
    if (hint !== undefined) inProgram(() => void pulumi.log.error(hint));
    return false;
  });
  return { beforeCreate: [reach], beforeUpdate: [reach], onError: [explain] };
}

/** @throws Error where CircleCI does not answer, or does not accept the token; every other answer is the provider's to judge */
async function assertAnswers({ host, token }: CircleCiAccess): Promise<void> {
  const key = await new Promise<string>((resolve) => void token.apply(resolve));
  const response = await fetch(`${host.replace(/\/+$/, "")}/me`, {
    headers: { "circle-token": key, accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(patience * 1000),
  }).catch((error: unknown) => {
    throw new Error(`CircleCI at ${host} does not answer (${reasonOf(error)}): ${unreachableHint}`);
  });
  await response.body?.cancel();
  if (response.status === 401) throw new Error(`CircleCI at ${host} does not accept the token (401): ${tokenHint}`);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return errorMessage(cause instanceof AggregateError ? cause.errors[0] : cause);
}

export const tokenHint =
  "set it with `pulumi config set --secret circleciToken`, a personal API token of a user who may manage the organization";
const unreachableHint = "look at https://status.circleci.com, or correct ci.host in the stack file, and run this again";

type Failure = Pick<pulumi.ErrorHookArgs, "urn" | "type" | "name" | "failedOperation" | "errors" | "newInputs">;

/**
 * What the user can do about a failure of CircleCI's provider 0.4.2.
 * @param component the name of the component that the resource belongs to
 * @returns `undefined`: the provider's own message has to do
 */
export function circleCiHint(component: string, failure: Failure): string | undefined {
  const { urn, type, name, failedOperation, errors } = failure;
  const what = `CircleCI: ${type.split(":").at(-1)} ${name}`;
  const message = errors[0] ?? "";
  if (message.includes("401 Unauthorized")) return `${what}: the token is not accepted: ${tokenHint}`;
  if (message.includes("giving up after"))
    return `${what}: CircleCI did not answer: ${unreachableHint}; a request that was not answered may have been carried out all the same, which \`delivery drift\` shows`;
  if (failedOperation !== "create" && message.includes("404 Not Found"))
    return `${what} is gone at CircleCI already: take it out of the state with \`${deleteFromState(urn)}\`, and run this again`;
  if (failedOperation === "create") {
    // The provider has made a project whose settings are refused afterwards, and says its slug, but does not note it.
    const slug = /\bslug: (\S+)/.exec(message)?.[1];
    if (slug !== undefined)
      return `${what} was made, but its settings were refused, so that it is not in the state: give the token's user the right to change them, take the project in with \`${importIntoState(component, failure, slug)}\`, and run this again`;
    if (message.includes("409 Conflict") && type in importForms)
      return `${what} exists already and is not of this stack: choose another name, or take it in with \`${importIntoState(component, failure, importForms[type]?.(failure) ?? "")}\``;
  }
  if (message.includes("403 Forbidden"))
    return `${what}: the user of circleciToken may not do that: give them the right, or ${tokenHint}`;
  return undefined;
}

/** What an import is called by, with what only CircleCI's pages show in angle brackets. */
const importForms: Readonly<Record<string, (failure: Failure) => string>> = {
  "circleci:index/project:Project": () => "<slug of the project, as its settings show it>",
  "circleci:index/context:Context": ({ newInputs }) =>
    `${String(newInputs?.["organizationId"])}/<id of the context, as its address shows it>`,
};

/** The command that takes a resource out of the state, and what cannot be without it. */
export function deleteFromState(urn: string): string {
  const [, , stack = ""] = urn.split("::", 1)[0]?.split(":") ?? [];
  return `pulumi state delete --stack ${quoteForShell(stack)} --yes --target-dependents ${quoteForShell(urn)}`;
}

function importIntoState(component: string, { urn, type, name }: Failure, id: string): string {
  const parentType = urn.slice(0, urn.lastIndexOf("$"));
  const [parent, provider] = [`${parentType}::${component}`, `${parentType}$pulumi:providers:circleci::${component}`];
  const options = `--protect=false --generate-code=false --parent ${quoteForShell(`parent=${parent}`)} --provider ${quoteForShell(`provider=${provider}`)}`;
  return `pulumi import ${options} ${type} ${quoteForShell(name)} ${quoteForShell(id)}`;
}
