import { join } from "node:path";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { errorMessage } from "../../core/error.ts";
import { runProcess } from "../../core/process.ts";
import { shellProcess } from "../../core/shell.ts";
import { judgmentVariable, readLeftJudgment } from "../judgment/left-judgment.ts";
import { oneLine } from "../status/reading.ts";
import type { CheckOutcome, CheckTarget } from "./check-target.ts";

/** Runs a command. What it prints is for standard error alone: it may be anything. */
export async function commandCheck(
  script: string,
  { environment, cluster, service, digest, namespace, context }: CheckTarget,
): Promise<CheckOutcome> {
  const { command, args } = shellProcess(script);
  const name = `\`${oneLine(script)}\``;
  using directory = temporaryDirectory("delivery-check-");
  const left = join(directory.path, "judgment.json");
  const env = {
    ...context.environment,
    SERVICE: service,
    DELIVERY_ENVIRONMENT: environment,
    ...(cluster === undefined ? {} : { DELIVERY_CLUSTER: cluster }),
    DELIVERY_NAMESPACE: namespace,
    DELIVERY_DIGEST: digest,
    [judgmentVariable]: left,
  };
  try {
    const { signal } = context;
    const ended = await runProcess(command, args, {
      env,
      signal,
      onLine: (line) => context.note(`${service} | ${line}`),
    });
    const judgment = readLeftJudgment(left);
    if (judgment !== undefined && "problem" in judgment)
      return { passed: false, detail: `${name} left a judgment that is none (${oneLine(judgment.problem)})` };
    const score = judgment === undefined ? "" : `, score ${judgment.score} of 100`;
    if (ended.code === 0) return { passed: true, detail: `${name} has succeeded${score}`, judgment };
    const end = ended.signal ?? `exit status ${ended.code}`;
    return { passed: false, detail: `${name} ended with ${end}${score}`, judgment };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { passed: false, detail: `${name} cannot be run (${oneLine(errorMessage(error))})` };
  }
}
