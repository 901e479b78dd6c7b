import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorMessage } from "../core/error.ts";
import { startProgress } from "./commands/progress.ts";
import { withLock } from "./machine/cache.ts";

const usage = `The sandbox: the whole delivery pipeline on this machine.

  npm run up        start everything and make the sandbox stack so
  npm run demo      edit a service, push, and show how it reaches the cluster
  npm run preview   show what up would change; needs nothing running
                    -- --diff   with every changed property, and the manifests in Git
  npm run status    show what runs, how it got there, and where everything is
                    -- --json        as JSON
                    -- --html FILE   write a page with the picture of the pipeline, too
  npm run down      destroy the stack, stop everything, remove every file but the cache
                    -- --purge   remove the cache, too

Options of up and demo: -- --pods simulated   run no pods, even where this machine could`;

/** The directory of this checkout's sandbox: everything but the cache is below it. */
const stateDir = join(process.cwd(), ".sandbox");
const lock = `${stateDir}.lock`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      purge: { type: "boolean", default: false },
      pods: { type: "string", default: "auto" },
      diff: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      json: { type: "boolean" },
      html: { type: "string" },
    },
  });
  const [command] = positionals;
  if (values.help || command === undefined) return console.log(usage);
  if (process.platform !== "linux")
    throw new Error(
      `the sandbox runs on Linux only, this is ${process.platform}; the program itself runs anywhere with \`pulumi up\``,
    );
  if (values.pods !== "auto" && values.pods !== "simulated")
    throw new Error(`--pods ${values.pods}: must be auto or simulated`);
  const { pods, purge } = { pods: values.pods, purge: values.purge } as const;
  const report = startProgress();
  // A command's modules are loaded when it is called.
  const commands: Record<string, () => Promise<void>> = {
    up: async () => {
      const { up } = await import("./commands/up.ts");
      await exclusively(report, async () => void (await up({ stateDir, pods, report })));
    },
    demo: async () => {
      const { demo } = await import("./commands/demo/demo.ts");
      await exclusively(report, () => demo({ stateDir, pods, report }));
    },
    preview: async () => {
      const { preview } = await import("./commands/preview.ts");
      await exclusively(report, () => preview({ stateDir, diff: values.diff, report }));
    },
    status: async () => {
      const { status } = await import("./commands/status.ts");
      await status(stateDir, values);
    },
    down: async () => {
      const { down } = await import("./commands/down.ts");
      await exclusively(report, () => down({ stateDir, purge, report }));
    },
  };
  const run = commands[command];
  if (run === undefined) throw new Error(`${JSON.stringify(command)} is no command\n\n${usage}`);
  await run();
}

/** One command at a time: a second one waits, and says for whom. */
async function exclusively(report: (line: string) => void, work: () => Promise<void>): Promise<void> {
  await withLock(
    lock,
    (owner, seconds) => report(`waiting for process ${owner}, which works on this sandbox (${seconds} s)`),
    work,
  );
}

// With a cache, Node strips the types of a file once and not at every call.
enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/sandbox"));

try {
  await main();
} catch (error) {
  console.error(`\nerror: ${errorMessage(error)}`);
  process.exitCode = 1;
}
