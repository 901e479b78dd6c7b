import { spawn, type ChildProcess } from "node:child_process";

export interface GitProcessArgs {
  readonly input: string | Buffer | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** After these it is stopped. */
  readonly seconds: number;
}

/** A process of Git that has come to its end. */
export interface EndedGit {
  /** `null`: it was stopped. */
  readonly code: number | null;
  readonly output: Buffer;
  readonly messages: Buffer;
}

/** @throws Error if it cannot be started */
export async function runGit(args: readonly string[], { input, env, cwd, seconds }: GitProcessArgs): Promise<EndedGit> {
  // What Node's types leave out: it has no streams where no more files can be opened.
  const child: ChildProcess = spawn("git", args, { env, cwd, stdio: ["pipe", "pipe", "pipe"] });
  const { stdin, stdout, stderr } = child;
  const end = new Promise<number | null>((done, failed) => {
    child.on("error", failed).on("close", done);
  });
  const output: Buffer[] = [];
  const messages: Buffer[] = [];
  stdout?.on("data", (chunk: Buffer) => output.push(chunk));
  stderr?.on("data", (chunk: Buffer) => messages.push(chunk));
  // Git may exit before it has read everything; its exit status says why.
  stdin?.on("error", () => {});
  stdin?.end(input ?? "");
  const timer = setTimeout(() => {
    child.kill("SIGTERM");
    // Its helper for HTTP holds them, too, and may wait for a silent server.
    stdout?.destroy();
    stderr?.destroy();
  }, seconds * 1000);
  const code = await end.finally(() => clearTimeout(timer));
  return { code, output: Buffer.concat(output), messages: Buffer.concat(messages) };
}
