import { AsyncLocalStorage } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { errorMessage, NotReachableError } from "../../core/error.ts";
import { circleCiHint, tokenHint, unreachableHint } from "./circleci-hints.ts";

/** Where CircleCI's API is, and who asks. */
export interface CircleCiAccess {
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

/**
 * Asks CircleCI once, in place of the provider's patience.
 * @throws NotReachableError where CircleCI does not answer, or does not accept the token; every other answer is the provider's to judge
 */
export async function assertAnswers({ host, token }: CircleCiAccess): Promise<void> {
  const key = await new Promise<string>((resolve) => void token.apply(resolve));
  const response = await fetch(`${host.replace(/\/+$/, "")}/me`, {
    headers: { "circle-token": key, accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(patience * 1000),
  }).catch((error: unknown) => {
    throw new NotReachableError(`CircleCI at ${host} does not answer (${reasonOf(error)}): ${unreachableHint}`);
  });
  await response.body?.cancel();
  if (response.status === 401)
    throw new NotReachableError(`CircleCI at ${host} does not accept the token (401): ${tokenHint}`);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return errorMessage(cause instanceof AggregateError ? cause.errors[0] : cause);
}
