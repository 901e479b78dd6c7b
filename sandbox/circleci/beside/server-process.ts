import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "../pipeline/command.ts";
import type { BesideOptions } from "./beside.ts";

const readySeconds = 30;
/** The job's own limit is the shorter one. */
const dayInSeconds = 86_400;

/** Runs a server until the job ends. @throws Error when the port is taken, or nobody listens there in time */
export async function startServer(
  { image, folder, environment, print, signal }: BesideOptions,
  server: { program: string; args: readonly string[]; env?: Record<string, string>; port: number },
): Promise<void> {
  const { program, args, env, port } = server;
  if (await listens(port))
    throw new Error(`image ${image.image}: port ${port} of this machine is taken by another program; stop that one`);
  const ended: { as?: string } = {};
  const output: string[] = [];
  void runCommand({
    program,
    args,
    cwd: folder,
    env: { ...environment, ...env },
    output: (text) => void output.push(text),
    signal,
    quietSeconds: dayInSeconds,
  }).then(
    (end) => (ended.as = end.type === "exit" ? `exit status ${end.code}` : end.type),
    (error: unknown) => (ended.as = String(error)),
  );
  for (const deadline = Date.now() + readySeconds * 1000; !(await listens(port)); await sleep(20)) {
    signal.throwIfAborted();
    if (ended.as !== undefined || Date.now() > deadline)
      throw new Error(`image ${image.image}: ${ended.as ?? "does not serve"}\n${output.join("").trim()}`);
  }
  print(`${image.image}: a process of this machine serves at localhost:${port}\n`);
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
