import { CommandError } from "../command.ts";
import { stackFilePath } from "./project.ts";

interface Failure {
  readonly signs: RegExp;
  readonly reason: (stack: string) => string;
}

const failures: readonly Failure[] = [
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

/** The way out of what keeps the engine from running at all; `undefined`: it is something else. */
export function knownFailure(output: string, stack: string): string | undefined {
  return failures.find(({ signs }) => signs.test(output))?.reason(stack);
}

/** In place of the Automation API's error, which is pages long: its last telling line. */
export function explainEngineFailure(error: unknown, stack: string): CommandError {
  if (error instanceof CommandError) return error;
  const output = error instanceof Error ? error.message : String(error);
  const telling = output.split("\n").filter((line) => /error|fail/i.test(line) && !/^\s*at |^err\?/.test(line));
  return new CommandError(
    knownFailure(output, stack) ?? `stack ${stack} cannot be opened: ${telling.at(-1)?.trim() ?? output.trim()}`,
    { cause: error },
  );
}
