import { errorMessage } from "../../core/error.ts";
import { runProcess } from "../../core/process.ts";
import { shellProcess } from "../../core/shell.ts";
import { oneLine } from "../status/reading.ts";
import type { CheckOutcome, CheckTarget } from "./check-target.ts";

/** Runs a command. What it prints is for standard error alone: it may be anything. */
export async function commandCheck(
  script: string,
  { environment, service, digest, namespace, context }: CheckTarget,
): Promise<CheckOutcome> {
  const { command, args } = shellProcess(script);
  const name = `\`${oneLine(script)}\``;
  const env = {
    ...context.environment,
    SERVICE: service,
    DELIVERY_ENVIRONMENT: environment,
    DELIVERY_NAMESPACE: namespace,
    DELIVERY_DIGEST: digest,
  };
  try {
    const { signal } = context;
    const ended = await runProcess(command, args, {
      env,
      signal,
      onLine: (line) => context.note(`${service} | ${line}`),
    });
    if (ended.code === 0) return { passed: true, detail: `${name} has succeeded` };
    return { passed: false, detail: `${name} ended with ${ended.signal ?? `exit status ${ended.code}`}` };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { passed: false, detail: `${name} cannot be run (${oneLine(errorMessage(error))})` };
  }
}
