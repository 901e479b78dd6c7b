import { errorMessage } from "../../core/error.ts";
import { ProcessError, runProcess } from "../../core/process.ts";

/** How a short command runs. */
interface CommandOptions {
  /** Written to its standard input. */
  input?: string;
  /** All of its environment but PATH: a proxy or a KUBECONFIG of the caller must not leak in. */
  env?: Record<string, string>;
  /** @default 30 */
  timeoutSeconds?: number;
}

/**
 * What a short command of the system, such as `ip` or `tar`, writes to standard output.
 * @throws ProcessError, with the whole command line, if it fails or takes too long; Error if it cannot be started
 */
export async function run(
  command: string,
  args: readonly string[],
  { input, env, timeoutSeconds = 30 }: CommandOptions = {},
): Promise<string> {
  const options = { env: { PATH: process.env["PATH"], ...env }, input, timeoutSeconds };
  const ended = await runProcess(command, args, options).catch((error: unknown) => {
    throw new Error(`${command} cannot be run: ${errorMessage(error)}`, { cause: error });
  });
  if (ended.code !== 0) throw new ProcessError([command, ...args].join(" "), ended);
  return ended.stdout.toString();
}
