import { text } from "node:stream/consumers";
import { errorMessage } from "../core/error.ts";
import type { Command, CommandContext } from "./command.ts";
import { UsageError } from "./options.ts";

/** A command's module is loaded when it is called. */
const commands: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  init: () => import("./commands/init.ts"),
  changes: () => import("./commands/changes.ts"),
  log: () => import("./commands/log.ts"),
  where: () => import("./commands/where.ts"),
  test: () => import("./commands/test.ts"),
  build: () => import("./commands/build.ts"),
  release: () => import("./commands/release.ts"),
  promote: () => import("./commands/promote.ts"),
  approve: () => import("./commands/approve.ts"),
  verify: () => import("./commands/verify.ts"),
  rollback: () => import("./commands/rollback.ts"),
  serve: () => import("./commands/serve.ts"),
  tag: () => import("./commands/tag.ts"),
  watch: () => import("./commands/watch.ts"),
  "preview-environment": () => import("./commands/preview-environment.ts"),
  "ci-config": () => import("./commands/ci-config.ts"),
  repair: () => import("./commands/repair.ts"),
  drift: () => import("./commands/drift.ts"),
  doctor: () => import("./commands/doctor.ts"),
  preview: () => import("./commands/preview.ts"),
  "publish-state": () => import("./commands/publish-state.ts"),
  judge: () => import("./commands/judge.ts"),
  status: () => import("./commands/status.ts"),
};

async function main([name, ...args]: readonly string[], context: CommandContext): Promise<void> {
  if (name === undefined || name === "help" || name.startsWith("-")) {
    if (name !== undefined && !["help", "--help", "-h"].includes(name))
      throw new UsageError(`${name} comes before the name of a command`);
    return context.print(await overview());
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined)
    throw new UsageError(`${JSON.stringify(name)} is no command; there are ${Object.keys(commands).join(", ")}`);
  const { command } = await load();
  if (args.includes("--help") || args.includes("-h")) return context.print(command.help);
  await command.run(args, context);
}

async function overview(): Promise<string> {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => `  ${name.padEnd(width)} ${(await load()).command.summary}`),
  );
  return `The delivery pipeline, step by step: what CI calls, and people do by hand.

Usage: npx delivery COMMAND [OPTIONS]

${lines.join("\n")}

\`npx delivery COMMAND --help\` says more.

Exit status: 0 done, or there was nothing to do; 1 failed, as the message says; 2 the command line is wrong.`;
}

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

try {
  await main(process.argv.slice(2), {
    environment: process.env,
    print: (line) => console.log(line),
    note: (line) => console.error(line),
    input: () => text(process.stdin),
    signal: stop.signal,
  });
} catch (error) {
  console.error(`error: ${errorMessage(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
