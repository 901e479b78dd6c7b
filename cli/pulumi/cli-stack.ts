import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import { stringify } from "yaml";
import { runProgram, type ProgramHooks } from "./delivery-program.ts";
import { explainEngineFailure } from "./engine-failure.ts";
import { readProject, stackFileName, stackFilePath } from "./project.ts";
import { findPulumi } from "./pulumi-command.ts";

export interface CliStackOptions extends ProgramHooks {
  /** The text of the stack file. @default that of `stacks/Pulumi.<stack>.yaml`, encrypted secrets included */
  readonly settings?: string;
  /** Variables of the engine beside this process' own: another backend, another passphrase. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** `create`: in a backend of its own, where it is not there yet. @default it must be there */
  readonly absent?: "create";
}

/** A stack of this program, open until it is disposed of. Nothing is changed by opening it. */
export interface CliStack extends AsyncDisposable {
  readonly stack: Stack;
}

/**
 * Opens a stack of this program with the user's Pulumi CLI, backend, login and passphrase. The program runs in this process.
 * @param name as the Pulumi CLI takes it: `dev`, or `acme/dev` with an organization
 * @throws CommandError that says what is missing: the CLI, a login, the passphrase, the stack, its file
 */
export async function openCliStack(name: string, options: CliStackOptions = {}): Promise<CliStack> {
  const project = readProject();
  const settings = options.settings ?? (await readSettings(name));
  const pulumiCommand = await findPulumi();
  const directory = await mkdtemp(join(tmpdir(), "delivery-stack-"));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    // The Automation API knows nothing of `stackConfigDir`; providers resolve relative paths against `main`.
    const own = { ...project, runtime: "nodejs", main: process.cwd() };
    await writeFile(join(directory, "Pulumi.yaml"), stringify(own));
    await writeFile(join(directory, stackFileName(name)), settings, { mode: 0o600 });
    const stack = await LocalWorkspace[options.absent === "create" ? "createOrSelectStack" : "selectStack"](
      { projectName: project.name, stackName: name, program: () => runProgram(options) },
      {
        workDir: directory,
        pulumiCommand,
        envVars: { PULUMI_SKIP_UPDATE_CHECK: "true", ...options.environment },
      },
    );
    return { stack, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw explainEngineFailure(error, name);
  }
}

async function readSettings(name: string): Promise<string> {
  try {
    return await readFile(stackFilePath(name), "utf8");
  } catch (error) {
    throw explainEngineFailure(error, name);
  }
}
