import { errorMessage } from "../../core/error.ts";
import { runProcess } from "../../core/process.ts";
import { CommandError } from "../command.ts";
import { locateImages } from "../registry/image-name.ts";
import type { Builder, BuilderCommand, ImageBuild } from "./builders.ts";

interface BuildProcessOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes each line as it comes. */
  readonly onLine: (line: string) => void;
  /** Ends the builder, which then takes back what it has begun. */
  readonly signal: AbortSignal;
}

interface BuildOutcome {
  readonly succeeded: boolean;
  /** The last lines that it wrote to standard error, where BuildKit's clients report their progress. */
  readonly output: readonly string[];
}

/** As many lines as a failing step and its excerpt of the Dockerfile take. */
const keptLines = 200;

/** @throws CommandError if the builder cannot be run; what `signal` was aborted with */
export async function runBuildProcess(
  { program, args }: BuilderCommand,
  { environment, onLine, signal }: BuildProcessOptions,
): Promise<BuildOutcome> {
  const output: string[] = [];
  const keep = (line: string, stream: "stdout" | "stderr"): void => {
    if (stream === "stdout") return;
    output.push(line);
    if (output.length > keptLines) output.shift();
    onLine(line);
  };
  const { code } = await runProcess(program, args, { env: environment, onLine: keep, signal }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      throw new CommandError(
        `${program} cannot be run (${errorMessage(error)}); install it, or choose another --builder`,
        { cause: error },
      );
    },
  );
  return { succeeded: code === 0, output };
}

const transient =
  /connection refused|connection reset|broken pipe|\bEOF\b|TLS handshake timeout|i\/o timeout|deadline exceeded|server misbehaving|temporary failure|toomanyrequests|\b(?:429|5\d\d) [A-Z]|status(?: code)?:? (?:429|5\d\d)/i;
const daemonIsGone =
  /listing workers|failed to list workers|cannot connect to the docker daemon|connection error: desc|failed to dial|failed to find builder|^context deadline exceeded$/i;
const denied = /\b40[13]\b|denied|unauthorized|insufficient_scope|no basic auth|authorization failed/i;
const registryIsAsked = /failed to (?:push|authorize|do request)|pushing|unexpected status from|\/v2\//;

/** The builder's own error message, or else the last line that it wrote. */
export function builderMessage(output: readonly string[]): string {
  const last =
    output.findLast((line) => /^error: /i.test(line)) ?? output.findLast((line) => line.trim() !== "") ?? "no message";
  return last.replace(/^error: (?:failed to build: )?(?:failed to solve: )?/i, "");
}

/** Whether the same build may well succeed a moment later: not where a step of the Dockerfile fails. */
export function isTransient(message: string): boolean {
  return transient.test(message) && !daemonIsGone.test(message) && !isFailedStep(message);
}

function isFailedStep(message: string): boolean {
  return message.startsWith("process ");
}

/**
 * The message for a failed build: the image, the reason, and what to do.
 * @param output the lines of the last attempt
 */
export function buildFailure(build: ImageBuild, builder: Builder, output: readonly string[], attempts: number): string {
  const message = builderMessage(output);
  const { repository: image } = build;
  const tried = attempts > 1 ? `, tried ${attempts} times` : "";
  if (daemonIsGone.test(message))
    return `${image} is not built: ${builder.daemon} does not answer (${message}); check that it runs, and run the same command again`;
  if (!isFailedStep(message) && registryIsAsked.test(message)) {
    const { host } = locateImages(build.repository);
    if (denied.test(message))
      return `${image} is not pushed: the registry ${host} refuses it (${message}); check DOCKERHUB_USERNAME and DOCKERHUB_PASSWORD, and that this account may push there`;
    if (isTransient(message))
      return `${image} is not pushed: the registry ${host} cannot be reached or stumbles${tried} (${message}); run the same command again when it is back`;
  }
  return [`${image} is not built from ${build.dockerfile}${tried}: ${message}`, ...excerpt(output)].join("\n");
}

/** What BuildKit repeats at the end: the last lines of the failing step, and its lines in the Dockerfile. */
function excerpt(output: readonly string[]): string[] {
  const heading = output.findLastIndex((line) => line.startsWith(" > "));
  if (heading === -1) return [];
  const end = output.findLastIndex((line) => /^error: /i.test(line));
  return output
    .slice(heading, end === -1 ? undefined : end)
    .filter((line) => !/^-{3,}$/.test(line))
    .map((line) => `  ${line}`);
}
