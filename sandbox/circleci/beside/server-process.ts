import { connect } from "node:net";
import { runCommand } from "../pipeline/command.ts";
import type { Print, StepEnd } from "../pipeline/job-world.ts";
import type { ServerCommand } from "./beside.ts";

/** The job's own limit is the shorter one. */
const dayInSeconds = 86_400;

/**
 * Runs a server until the job ends. As at CircleCI, no step waits until it serves, and the job goes on without it if it ends.
 * Source: https://circleci.com/docs/using-docker/#using-multiple-docker-images ("wait for it to be available")
 */
export async function runServer(
  { program, args, env, folder }: ServerCommand,
  { print, signal }: { print: Print; signal: AbortSignal },
): Promise<StepEnd> {
  const options = { program, args, cwd: folder, env, output: print, signal, quietSeconds: dayInSeconds };
  const end = await runCommand(options);
  if (end.type !== "exit") return { status: "success" };
  print(`Exited with code exit status ${end.code}\n`);
  return { status: end.code === 0 ? "success" : "failed", exitCode: end.code };
}

/** @throws Error when somebody else listens there */
export async function refuseTakenPort(image: string, port: number): Promise<void> {
  if (await listens(port))
    throw new Error(`image ${image}: port ${port} of this machine is taken by another program; stop that one`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const answer = (yes: boolean) => (): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", answer(true)).once("error", answer(false));
  });
}
