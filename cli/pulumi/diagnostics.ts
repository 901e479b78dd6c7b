import { errorMessage } from "../../core/error.ts";
import { stackFilePath } from "../../stacks/stack-file.ts";
import { CommandError } from "../command.ts";

/** Of the engine's events, what is read here. */
interface DiagnosticEvent {
  readonly diagnosticEvent?:
    | { readonly severity: string; readonly message: string; readonly urn?: string | undefined }
    | undefined;
}

/** Follow-up messages of an error that is reported by itself. */
const consequence =
  /^(update|preview|refresh|destroy) failed$|^One or more errors occurred|client connection is closing|resource monitor shut down/;

/** The problem that an event reports, with the resource that has it; `undefined`: it reports none. */
export function problemIn({ diagnosticEvent }: DiagnosticEvent): string | undefined {
  if (diagnosticEvent?.severity !== "error") return undefined;
  const message = plainMessage(diagnosticEvent);
  return consequence.test(message) ? undefined : `${about(diagnosticEvent.urn)}${message}`;
}

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
  const [, , types = "", name = ""] = urn?.split("::") ?? [];
  const type = types.split("$").at(-1) ?? "";
  return type === "" || type === "pulumi:pulumi:Stack" ? "" : `${type.split(":").at(-1)} ${name}`;
}

interface Failure {
  readonly signs: RegExp;
  readonly reason: (stack: string) => string;
}

const knownFailures: readonly Failure[] = [
  {
    signs: /ENOENT.*stacks\/Pulumi\./,
    reason: (stack) => `there is no ${stackFilePath(stack)} in ${process.cwd()}; run this in the program's directory`,
  },
  {
    signs: /PULUMI_ACCESS_TOKEN must be set for login/,
    reason: () =>
      "Pulumi is not logged in to any backend; set PULUMI_ACCESS_TOKEN, or PULUMI_BACKEND_URL for another backend, or run `pulumi login`",
  },
  {
    signs: /invalid access token|\[401\]|Unauthorized/i,
    reason: () => "Pulumi's backend does not accept the login; set a valid PULUMI_ACCESS_TOKEN, or run `pulumi login`",
  },
  {
    signs: /no stack named|stack '.*' not found|no stack selected/i,
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
    signs: /unable to open bucket|could not (open|find) .*bucket|PULUMI_BACKEND_URL/i,
    reason: () => "Pulumi's backend cannot be opened; correct PULUMI_BACKEND_URL, or run `pulumi login`",
  },
];

/** Why the engine cannot run at all, and what to do about it; `undefined`: it is something else. */
export function knownFailure(output: string, stack: string): string | undefined {
  return knownFailures.find(({ signs }) => signs.test(output))?.reason(stack);
}

/** In place of the Automation API's error, which is pages long: its last line that names an error. */
export function explainEngineFailure(error: unknown, stack: string): CommandError {
  if (error instanceof CommandError) return error;
  const output = errorMessage(error);
  const errors = output.split("\n").filter((line) => /error|fail/i.test(line) && !/^\s*at |^err\?/.test(line));
  return new CommandError(
    knownFailure(output, stack) ?? `stack ${stack} cannot be opened: ${errors.at(-1)?.trim() ?? output.trim()}`,
    { cause: error },
  );
}
