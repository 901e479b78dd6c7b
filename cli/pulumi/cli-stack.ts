import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation/index.js";
import * as runtimeConfig from "@pulumi/pulumi/runtime/config.js";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { writeYaml } from "../../core/yaml.ts";
import { stackFileName, stackFilePath } from "../../stacks/stack-file.ts";
import { explainEngineFailure } from "./diagnostics.ts";
import { guardInlinePrograms } from "./inline-program.ts";
import { readProject } from "./project.ts";
import { findPulumi, type RunnableCommand } from "./pulumi-command.ts";

export interface CliStackOptions extends ProgramHooks {
  /** The text of the stack file. @default that of `stacks/Pulumi.<stack>.yaml`, encrypted secrets included */
  readonly settings?: string;
  /** Variables of the engine in addition to this process' own: another backend, another passphrase. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** `create`: in a backend of its own, which has none yet. @default it must be there */
  readonly absent?: "create";
}

/** A stack of this program, open until it is disposed of. Nothing is changed by opening it. */
export interface CliStack extends AsyncDisposable {
  readonly stack: Stack;
  /**
   * Runs the Pulumi CLI for this stack, e.g. with `["stack", "export"]`. Files that it is given lie in `directory`.
   * @returns what it has printed
   * @throws CommandError with the last line that names an error
   */
  readonly pulumi: (args: readonly string[]) => Promise<string>;
  /** The stack's own directory, which only this user can enter; it is gone with the stack. */
  readonly directory: string;
}

/**
 * Opens a stack of this program with the user's Pulumi CLI, backend, login and passphrase. The program runs in this process.
 * @param name as the Pulumi CLI takes it: `dev`, or `acme/dev` with an organization
 * @throws CommandError that says what is missing: the CLI, a login, the passphrase, the stack, its file
 */
export async function openCliStack(name: string, options: CliStackOptions = {}): Promise<CliStack> {
  const project = readProject();
  const settings = options.settings ?? (await readSettings(name));
  const pulumiCommand = await findPulumi(process.env);
  guardInlinePrograms();
  const directory = temporaryDirectory("delivery-stack-");
  try {
    // The Automation API knows nothing of `stackConfigDir`; providers resolve relative paths against `main`.
    const projectFile = { ...project, runtime: "nodejs", main: process.cwd() };
    await writeFile(join(directory.path, "Pulumi.yaml"), writeYaml(projectFile));
    await writeFile(join(directory.path, stackFileName(name)), settings, { mode: 0o600 });
    const envVars = { PULUMI_SKIP_UPDATE_CHECK: "true", ...options.environment };
    const stack = await LocalWorkspace[options.absent === "create" ? "createStack" : "selectStack"](
      { projectName: project.name, stackName: name, program: () => runProgram(options) },
      {
        workDir: directory.path,
        pulumiCommand,
        envVars,
      },
    );
    return {
      stack,
      directory: directory.path,
      pulumi: (args) => runPulumi(pulumiCommand, [...args, "--stack", name], directory.path, envVars),
      [Symbol.asyncDispose]: async () => directory[Symbol.dispose](),
    };
  } catch (error) {
    directory[Symbol.dispose]();
    throw explainEngineFailure(error, name);
  }
}

async function runPulumi(
  command: RunnableCommand,
  args: readonly string[],
  directory: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  try {
    return (await command.run(args, directory, environment)).stdout;
  } catch (error) {
    throw explainEngineFailure(error, args.at(-1) ?? "", `\`pulumi ${args.slice(0, 2).join(" ")}\``);
  }
}

async function readSettings(name: string): Promise<string> {
  try {
    return await readFile(stackFilePath(name), "utf8");
  } catch (error) {
    throw explainEngineFailure(error, name);
  }
}

/** What is called in the engine's run, before the program. */
interface ProgramHooks {
  /** Receives the values of the secret settings, so that they can be kept out of what is printed. */
  readonly onConfig?: (secrets: readonly string[]) => void;
  /** Prepares the SDK for the program, e.g. registers transforms. */
  readonly prepare?: () => void;
}

// Only the SDK's type declarations leave the function out.
const { isConfigSecret } = runtimeConfig as typeof runtimeConfig & { isConfigSecret: (key: string) => boolean };

/** The program as the Pulumi CLI would run it. The query makes Node load it again for every run. */
async function runProgram({ onConfig, prepare }: ProgramHooks): Promise<Record<string, unknown>> {
  onConfig?.(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => isConfigSecret(key))
      .map(([, value]) => value),
  );
  prepare?.();
  const outputs: Record<string, unknown> = await import(`../../index.ts?run=${process.hrtime.bigint()}`);
  return { ...outputs };
}
