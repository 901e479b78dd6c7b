import { accessHint, circleCiHint } from "../../components/circleci/circleci-hints.ts";
import { errorMessage } from "../../core/error.ts";
import { stackFilePath } from "../../stacks/stack-file.ts";
import { CommandError } from "../command.ts";

interface Diagnostic {
  readonly severity: string;
  readonly message: string;
  readonly urn?: string | undefined;
}

/** Of the engine's events, what is read here. */
interface DiagnosticEvent {
  readonly diagnosticEvent?: Diagnostic | undefined;
}

/** Messages that say nothing. */
const empty =
  /^(?:(?:update|preview|refresh|destroy) failed|One or more errors occurred[.:]?(?: Check logs for more details)?)?$/;
/** Messages that follow from an error that is reported by itself; where there is none, they are all that is known. */
const consequence = /client connection is closing|resource monitor shut down/;

/** The SDK's summary of the program's errors. Most of them come by themselves, too; those of calls to the engine do not. */
const summary = "One or more errors occurred:";

/**
 * The problems that a run's events report, each with the resource that has it.
 * @param isReported whether an error is told in another way; what only repeats it is no problem of its own
 */
export function problemsIn(
  events: readonly DiagnosticEvent[],
  isReported: (diagnostic: Diagnostic) => boolean = () => false,
): string[] {
  const errors = events
    .flatMap(({ diagnosticEvent: event }) => (event?.severity === "error" ? [event] : []))
    .map((event) => ({ event, message: plainMessage(event) }))
    .filter(({ message }) => !empty.test(message));
  const causes = errors.filter(({ message }) => !consequence.test(message));
  const own = causes.map(({ message }) => message).filter((message) => !message.startsWith(summary));
  return (causes.length > 0 ? causes : errors).flatMap(({ event, message }) => {
    if (isReported(event)) return [];
    const text = message.startsWith(summary) ? unsaid(message.slice(summary.length), own) : message;
    return text === "" ? [] : [explained(event.urn, text)];
  });
}

/** CircleCI's provider passes on bare answers. What is the same for all of its resources is said without one. */
function explained(urn: string | undefined, message: string): string {
  const type = typeOf(urn);
  const said = `${about(urn)}${message}`;
  if (urn === undefined || !type.startsWith("circleci:")) return said;
  const access = accessHint(message);
  if (access !== undefined) return `CircleCI: ${access}`;
  const { name, errors } = { name: urn.split("::").at(-1) ?? "", errors: [message] };
  const hint = circleCiHint("", { urn, type, name, errors, failedOperation: "read" });
  return hint === undefined ? said : `${said}; ${hint}`;
}

/** What of a summary no other message says. Its parts are joined by commas, and may have commas in them. */
function unsaid(text: string, messages: readonly string[]): string {
  const parts = text.split(", ").filter((part) => !messages.some((message) => message.includes(part.trim())));
  return parts.join(", ").trim();
}

/** The last lines that a plugin or the program wrote past the engine: where nothing is reported, they may say why it ended. */
export function lastOutput(events: readonly DiagnosticEvent[]): string {
  const lines = events.flatMap(({ diagnosticEvent: event }) =>
    event?.severity === "info#err" ? [plainMessage(event)] : [],
  );
  return lines
    .filter((line) => line !== "")
    .slice(-longestOutput)
    .join("\n");
}

const longestOutput = 10;

/** Without the engine's marks for colors. */
export function plainMessage({ message }: { readonly message: string }): string {
  return message.replaceAll(/<\{%[^%]*%\}>/g, "").trim();
}

/** The resource's type and name, for the beginning of a message; nothing for the stack as a whole. */
export function about(urn: string | undefined): string {
  const name = resourceName(urn);
  return name === "" ? "" : `${name}: `;
}

/** For example `Deployment link`; empty for the stack as a whole. */
export function resourceName(urn: string | undefined): string {
  const [, , , name = ""] = urn?.split("::") ?? [];
  const type = typeOf(urn);
  return type === "" || type === "pulumi:pulumi:Stack" ? "" : `${type.split(":").at(-1)} ${name}`;
}

/** The type of a resource, without those of the components around it. */
export function typeOf(urn: string | undefined): string {
  const [, , types = ""] = urn?.split("::") ?? [];
  return types.split("$").at(-1) ?? "";
}

interface Failure {
  readonly signs: RegExp;
  readonly reason: (stack: string) => string;
}

const knownFailures: readonly Failure[] = [
  {
    signs: /ENOENT.{0,2000}stacks\/Pulumi\./,
    reason: (stack) => `there is no ${stackFilePath(stack)} in ${process.cwd()}; run this in the program's directory`,
  },
  {
    signs: /PULUMI_ACCESS_TOKEN must be set for login/,
    reason: () =>
      "Pulumi is not logged in to any backend; set PULUMI_ACCESS_TOKEN, or PULUMI_BACKEND_URL for another backend, or run `pulumi login`",
  },
  {
    signs: /invalid access token|\[401\]/i,
    reason: () => "Pulumi's backend does not accept the login; set a valid PULUMI_ACCESS_TOKEN, or run `pulumi login`",
  },
  {
    signs: /no stack named|stack '.{0,300}' not found|no stack selected/i,
    reason: (stack) =>
      `there is no stack ${stack} in the backend; make it with \`pulumi stack init ${stack}\`, or correct PULUMI_BACKEND_URL`,
  },
  {
    signs: /incorrect passphrase/,
    reason: (stack) => `the passphrase of stack ${stack} is wrong; correct PULUMI_CONFIG_PASSPHRASE`,
  },
  {
    signs: /passphrase must be set/,
    reason: (stack) =>
      `stack ${stack} needs its passphrase; set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file with it`,
  },
  {
    signs: /unable to open bucket|could not (open|find) .{0,300}bucket|PULUMI_BACKEND_URL/i,
    reason: () => "Pulumi's backend cannot be opened; correct PULUMI_BACKEND_URL, or run `pulumi login`",
  },
];

/** Why the engine cannot run at all, and what to do about it; `undefined`: it is something else. */
export function knownFailure(output: string, stack: string): string | undefined {
  return knownFailures.find(({ signs }) => signs.test(output))?.reason(stack);
}

/**
 * In place of the Automation API's error, which is pages long: its last line that names an error.
 * @param what failed. @default the stack is not opened
 */
export function explainEngineFailure(error: unknown, stack: string, what?: string): CommandError {
  if (error instanceof CommandError) return error;
  const output = errorMessage(error);
  const access = what === undefined ? undefined : accessHint(output);
  if (access !== undefined) return new CommandError(`CircleCI: ${access}`, { cause: error });
  const errors = output.split("\n").filter((line) => /error|fail/i.test(line) && !/^\s*at |^err\?/.test(line));
  return new CommandError(
    knownFailure(output, stack) ??
      `stack ${stack}${what === undefined ? " cannot be opened" : `: ${what} fails`}: ${errors.at(-1)?.trim() ?? output.trim()}`,
    { cause: error },
  );
}
