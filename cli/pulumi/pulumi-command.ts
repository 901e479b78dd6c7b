import type { PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import * as automationCommand from "@pulumi/pulumi/automation/cmd.js";
import * as automationErrors from "@pulumi/pulumi/automation/errors.js";
import { hasErrorCode } from "../../core/error.ts";
import { outputOf, runProcess } from "../../core/process.ts";
import { CommandError } from "../command.ts";
import { defaultEngineMinutes, engineMinutesVariable } from "./engine-help.ts";

/** What the Automation API asks of a command; only the SDK's type declarations leave it out. */
export interface RunnableCommand {
  run(
    args: readonly string[],
    directory: string,
    environment: Readonly<Record<string, string>>,
    onOutput?: (text: string) => void,
    onError?: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<{ readonly stdout: string }>;
}

// Only the SDK's type declarations leave these out, or make them private.
const { PulumiCommand: Command, CommandResult } = automationCommand as unknown as {
  PulumiCommand: new (command: string, version: unknown) => PulumiCommand & RunnableCommand;
  CommandResult: new (stdout: string, stderr: string, code: number) => { readonly stdout: string };
};
const { parseAndValidatePulumiVersion: parseVersion } = automationCommand as unknown as {
  parseAndValidatePulumiVersion: (oldest: unknown, text: string, optOut: boolean) => PulumiCommand["version"];
};
const { createCommandError } = automationErrors as unknown as { createCommandError: (result: object) => Error };

const oldestPulumi = { major: 3, minor: 250 };
const installHint = `install ${oldestPulumi.major}.${oldestPulumi.minor} or newer (https://www.pulumi.com/docs/install/) and have it on PATH`;

/**
 * The user's Pulumi CLI, run with standard input closed and for a limited time: whatever asks a question, the CLI or a plugin,
 * gets no answer, and nobody is there to give one.
 * @param minutes that one run may take @default 20, or those of the environment
 * @throws CommandError if it is missing, does not run, or is too old
 */
export async function findPulumi(
  environment: Readonly<Record<string, string | undefined>>,
  minutes = engineMinutes(environment),
): Promise<PulumiCommand & RunnableCommand> {
  const versionText = await outputOf("pulumi", ["version"], {
    env: { ...environment, PULUMI_SKIP_UPDATE_CHECK: "true" },
    timeoutSeconds: 60,
  }).catch((error: unknown) => {
    const missing = hasErrorCode(error, "ENOENT");
    throw new CommandError(`the Pulumi CLI ${missing ? "is missing" : "does not run"}; ${installHint}`, {
      cause: error,
    });
  });
  const version = parseVersion(null, versionText.trim(), true);
  if (
    version !== null &&
    (version.major < oldestPulumi.major || (version.major === oldestPulumi.major && version.minor < oldestPulumi.minor))
  )
    throw new CommandError(`the Pulumi CLI is ${version.format()}; ${installHint}`);
  return Object.assign(new Command("pulumi", version), { run: runnerOf(minutes) });
}

function engineMinutes({ [engineMinutesVariable]: given = "" }: Readonly<Record<string, string | undefined>>): number {
  if (given === "") return defaultEngineMinutes;
  if (!/^[1-9]\d{0,3}$/.test(given))
    throw new CommandError(
      `${engineMinutesVariable}=${JSON.stringify(given)}: must be a whole number of minutes from 1 to 9999`,
    );
  return Number(given);
}

function runnerOf(minutes: number): RunnableCommand["run"] {
  return async (args, cwd, environment, onOutput, onError, signal) => {
    const ended = await runProcess("pulumi", [...args, "--non-interactive"], {
      cwd,
      env: { ...process.env, ...environment, PULUMI_AUTOMATION_API: "true" },
      timeoutSeconds: minutes * 60,
      signal,
      onLine: (line, stream) => (stream === "stdout" ? onOutput : onError)?.(`${line}\n`),
    });
    if (ended.timedOut) throw new EngineTimeoutError(args[0] ?? "", minutes);
    const result = new CommandResult(ended.stdout.toString(), ended.stderr.toString(), ended.code ?? -2);
    if (ended.code !== 0) throw createCommandError(result);
    return result;
  };
}

/** The engine was stopped, because it came to no end. */
export class EngineTimeoutError extends CommandError {
  constructor(operation: string, minutes: number) {
    super(
      `\`pulumi ${operation}\` came to no end in ${minutes} min and was stopped: a provider waits for a server, or asks a question that nobody can answer here; correct the providers' addresses and credentials, or give more time in ${engineMinutesVariable}`,
    );
  }
}
