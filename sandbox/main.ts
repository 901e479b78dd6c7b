import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorMessage } from "../core/error.ts";
import { startProgress } from "./commands/progress.ts";
import { withLock } from "./machine/cache.ts";
import { sandboxEngines } from "./machine/ci-engine.ts";

const usage = `The sandbox: the whole delivery pipeline on this machine.

  npm run up        start everything and make the sandbox stack so
                    -- --app DIR      run the monorepo in DIR instead of the example, as delivery init finds it
                    -- --stack NAME   the same with the monorepo and the services of stacks/Pulumi.NAME.yaml
                    -- --image IMAGE=FILE   an image that this machine cannot pull, as docker save writes it
  npm run demo      edit a service, push, and show how it reaches the cluster
                    -- --bad   with a change that is bad once it runs: its canary is stopped, and its pull request says why
  npm run preview   show what up would change; needs nothing running
                    -- --diff   with every changed property, and the manifests in Git
  npm run status    show what runs, how it got there, and where everything is
                    -- --json        as JSON
                    -- --html FILE   write a page with the picture of the pipeline, too
  npm run down      destroy the stack, stop everything, remove every file but the cache
                    -- --purge   remove the cache, too
  node sandbox/main.ts tools   only bring what up builds into the cache, as an image for continuous integration wants it

Options of up and demo: -- --pods simulated   run no pods, even where this machine could
                        -- --ci tekton        Tekton Pipelines run the example's pipeline, in pods of the cluster`;

/** The directory of this checkout's sandbox: everything but the cache is below it. */
const stateDir = join(process.cwd(), ".sandbox");
const lock = `${stateDir}.lock`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      purge: { type: "boolean", default: false },
      pods: { type: "string", default: "auto" },
      app: { type: "string" },
      stack: { type: "string" },
      image: { type: "string", multiple: true },
      ci: { type: "string" },
      diff: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      bad: { type: "boolean", default: false },
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
  for (const name of ["app", "stack", "image"] as const)
    if (values[name] !== undefined && command !== "up")
      throw new Error(`--${name}: only \`npm run up\` takes it; the other commands go with what runs`);
  const ci = sandboxEngines.find((engine) => engine === values.ci);
  if (values.ci !== undefined && ci === undefined)
    throw new Error(`--ci ${values.ci}: must be ${sandboxEngines.join(" or ")}`);
  if (ci !== undefined && command !== "up" && command !== "demo")
    throw new Error("--ci: only `npm run up` and `npm run demo` take it; the other commands go with what runs");
  if (values.bad && command !== "demo") throw new Error("--bad: only `npm run demo` takes it");
  const { pods, purge } = { pods: values.pods, purge: values.purge } as const;
  const report = startProgress();
  // A command's modules are loaded when it is called.
  const commands: Record<string, () => Promise<void>> = {
    up: async () => {
      const [{ up }, { isFine }, { parseProvidedImages }] = await Promise.all([
        import("./commands/up.ts"),
        import("./monorepo/summary.ts"),
        import("./machine/images/provided.ts"),
      ]);
      const images = parseProvidedImages(values.image ?? []);
      const monorepo = { app: values.app, stack: values.stack };
      await exclusively(report, async () => {
        const { services } = await up({ stateDir, pods, ci, monorepo, images, report });
        if (!services.every(isFine)) process.exitCode = 1;
      });
    },
    demo: async () => {
      const [{ demo }, { badDemo }] = await Promise.all([
        import("./commands/demo/demo.ts"),
        import("./commands/demo/bad-demo.ts"),
      ]);
      await exclusively(report, () => (values.bad ? badDemo : demo)({ stateDir, pods, ci, report }));
    },
    preview: async () => {
      const { preview } = await import("./commands/preview.ts");
      await exclusively(report, () => preview({ stateDir, diff: values.diff, report }));
    },
    tools: async () => {
      const { provideTools } = await import("./commands/tools.ts");
      await provideTools(report);
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
