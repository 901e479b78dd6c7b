import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { buildTools } from "../../../sandbox/machine/tools/go-tools.ts";
import { executorEnvironment } from "../../../sandbox/stand-ins/ci-executor.ts";
import type { Pipeline } from "../../support/pipeline.ts";

const repository = join(import.meta.dirname, "..", "..", "..");

export interface CliOutcome {
  /** The exit status. */
  readonly status: number;
  readonly output: string;
  readonly notes: string;
}

/** Runs the delivery CLI as CI does: beside a stack of the tests, with the sandbox's executor for an environment. */
export interface DeliveryHarness {
  /** The program's directory. */
  readonly directory: string;
  /** The stack's backend and passphrase, as variables. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Where its temporary files are while it runs. */
  readonly temporary: string;
  /** Writes the stack file anew, with the secrets as the engine has encrypted them. */
  settings(changes: Readonly<Record<string, unknown>>): void;
  /** @param given variables beside the executor's. @default the stack's credentials */
  run(args: readonly string[], given?: "none" | Readonly<Record<string, string>>): Promise<CliOutcome>;
}

export async function openDeliveryHarness(stateDir: string, pipeline: Pipeline): Promise<DeliveryHarness> {
  const { engineDirectory } = pipeline;
  const directory = join(stateDir, "programs", pipeline.name);
  const stackFile = join(directory, "stacks", "Pulumi.sandbox.yaml");
  const temporary = join(directory, "tmp");
  rmSync(directory, { recursive: true, force: true });
  for (const path of [temporary, join(directory, "stacks")]) mkdirSync(path, { recursive: true });
  cpSync(join(repository, "Pulumi.yaml"), join(directory, "Pulumi.yaml"));
  // Where the dynamic resources find their methods.
  symlinkSync(join(repository, "components"), join(directory, "components"));
  const tools = await buildTools(["pulumi"], () => undefined);
  const executor = executorEnvironment(stateDir, tools);
  const settings: DeliveryHarness["settings"] = (changes) => {
    // The engine's own file.
    const kept = parse(readFileSync(join(engineDirectory, "workspace", "Pulumi.sandbox.yaml"), "utf8")) as {
      config: Record<string, unknown>;
    };
    writeFileSync(stackFile, stringify({ ...kept, config: { ...kept.config, ...changes } }));
  };
  settings({});
  const credentials = {
    PULUMI_BACKEND_URL: `file://${join(engineDirectory, "state")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: join(engineDirectory, "passphrase"),
  };
  return {
    directory,
    temporary,
    settings,
    credentials,
    run: (args, given = credentials) =>
      new Promise((done) => {
        const env = { ...executor, HOME: directory, TMPDIR: temporary, ...(given === "none" ? {} : given) };
        const program = join(repository, "cli", "delivery.js");
        const options = { cwd: directory, env, maxBuffer: 64 * 2 ** 20 };
        execFile(process.execPath, [program, ...args], options, (error, output, notes) => {
          done({ status: error === null ? 0 : Number(error.code), output, notes });
        });
      }),
  };
}
