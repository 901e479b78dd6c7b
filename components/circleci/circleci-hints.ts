import type { ErrorHookArgs } from "@pulumi/pulumi";
import { quoteForShell } from "../../core/shell.ts";

// What the user can do about what CircleCI's provider says. Nothing here loads the engine.

export const tokenHint =
  "set it with `pulumi config set --secret circleciToken`, a personal API token of a user who may manage the organization";
export const unreachableHint =
  "look at https://status.circleci.com, or correct ci.host in the stack file, and run this again";

/** What the engine says of a failed operation on a resource. */
type Failure = Pick<ErrorHookArgs, "urn" | "type" | "name" | "errors"> & {
  /** `create`, `update`, `delete`, or `read` in a refresh. */
  failedOperation: string;
};

/** The same for every resource: CircleCI has not let the provider do anything. */
export function accessHint(message: string): string | undefined {
  if (message.includes("401 Unauthorized")) return `the token is not accepted (401): ${tokenHint}`;
  if (message.includes("giving up after"))
    return `CircleCI did not answer: ${unreachableHint}; a request that was not answered may have been carried out all the same, which \`delivery drift\` shows`;
  return undefined;
}

/**
 * What the user can do about a failure of CircleCI's provider 0.4.2.
 * @param component the name of the component that the resource belongs to
 * @returns `undefined`: the provider's own message has to do
 */
export function circleCiHint(component: string, failure: Failure): string | undefined {
  const { urn, type, name, failedOperation, errors } = failure;
  const what = `CircleCI: ${type.split(":").at(-1)} ${name}`;
  const message = errors[0] ?? "";
  const general = accessHint(message);
  if (general !== undefined) return `${what}: ${general}`;
  if (failedOperation !== "create" && message.includes("404 Not Found"))
    return `${what} is gone at CircleCI already: take what is gone out of the state with \`${repairCommand(urn)}\`, or this alone with \`${deleteFromState(urn)}\`, and run this again`;
  if (failedOperation === "create") {
    // The provider has made a project whose settings are refused afterwards, and says its slug, but does not note it.
    const slug = /\bslug: (\S+)/.exec(message)?.[1];
    if (slug !== undefined)
      return `${what} was made, but its settings were refused, so that it is not in the state: give the token's user the right to change them, take the project in with \`${importIntoState(component, failure, slug)}\`, and run this again`;
    const adoption = adoptions[type];
    if (message.includes("409 Conflict") && adoption !== undefined)
      return `${what} exists already and is not in the state of this stack: choose another name, or take it in with \`${repairCommand(urn)} --adopt\` and its ${adoption}`;
  }
  if (message.includes("403 Forbidden"))
    return `${what}: the user of circleciToken may not do that: give them the right, or ${tokenHint}`;
  return undefined;
}

/** What `delivery repair` takes in, by what CircleCI's pages show of it. */
const adoptions: Readonly<Record<string, string>> = {
  "circleci:index/project:Project": "SLUG, which the project's settings show",
  "circleci:index/context:Context": "ID, which the same command without --adopt shows",
  "circleci:index/contextRestriction:ContextRestriction": "ID, which the same command without --adopt shows",
};

/** The command that takes a resource out of the state, and what cannot be without it. */
export function deleteFromState(urn: string): string {
  return commandLine(["pulumi", "state", "delete", "--stack", stackOf(urn), "--yes", "--target-dependents", urn]);
}

/** The command that takes everything out of the state that is gone at CircleCI, and nothing else. */
export function repairCommand(urn: string): string {
  return commandLine(["npx", "delivery", "repair", "--env", stackOf(urn), "--yes"]);
}

/** A component's provider in the state, and where what is imported goes. */
export interface ImportTarget {
  /** The URN of the component. */
  readonly parent: string;
  /** The URN of its provider. */
  readonly provider: string;
  readonly type: string;
  readonly name: string;
}

/**
 * The arguments of `pulumi import` that take in one resource, as the program declares it.
 * @param id as the provider's import takes it: a project's slug, or the ids of an organization and of its context
 */
export function importArguments({ parent, provider, type, name }: ImportTarget, id: string): string[] {
  const place = ["--parent", `parent=${parent}`, "--provider", `provider=${provider}`];
  return ["import", "--yes", "--protect=false", "--generate-code=false", ...place, type, name, id];
}

function importIntoState(component: string, { urn, type, name }: Failure, id: string): string {
  const parentType = urn.slice(0, urn.lastIndexOf("$"));
  const target = {
    parent: `${parentType}::${component}`,
    provider: `${parentType}$pulumi:providers:circleci::${component}`,
    type,
    name,
  };
  return commandLine(["pulumi", ...importArguments(target, id), "--stack", stackOf(urn)]);
}

function stackOf(urn: string): string {
  return urn.split("::", 1)[0]?.split(":")[2] ?? "";
}

/** Words that mean the same to every shell stay as they are. */
function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=-]+$/.test(word) ? word : quoteForShell(word))).join(" ");
}
