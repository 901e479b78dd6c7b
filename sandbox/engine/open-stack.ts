import { createHash, randomBytes } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, Stack } from "@pulumi/pulumi/automation/index.js";
import { parse } from "yaml";
import { guardInlinePrograms } from "../../cli/pulumi/inline-program.ts";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { runProcess } from "../../core/process.ts";
import { quoteForShell } from "../../core/shell.ts";
import { writeYaml } from "../../core/yaml.ts";
import { identify } from "../machine/process-identity.ts";
import { preventEngineLog } from "./engine-log.ts";
import { copyPlugin, installDynamicProvider } from "./plugins.ts";
import { StackState } from "./stack-state.ts";

interface EngineOptions {
  /** Where the engine keeps its home, its state and its workspace. */
  directory: string;
  /** The Pulumi CLI. */
  pulumi: string;
  project: string;
  stack: string;
  /** Declares the resources when it is called; its properties become the stack's outputs. */
  program: () => Promise<Record<string, unknown>>;
  /** Plain settings, by key with the project's prefix. */
  settings: Readonly<Record<string, unknown>>;
  /** Secret settings, likewise. */
  secrets: Readonly<Record<string, string>>;
  /** Variables that the engine and its plugins get in addition to this process' own. @default none */
  environment?: Readonly<Record<string, string>>;
  /** The providers that the engine attaches to; it takes all others from the installed plugins. */
  providers: readonly { name: string; port: number }[];
  /** Installed official plugins to use, by directory. @default none */
  plugins?: readonly string[];
}

/**
 * A stack of the real Pulumi engine that runs a program in this process, isolated from the user's Pulumi: its own home,
 * its own state on disk, its own passphrase.
 */
export async function openStack(options: EngineOptions): Promise<Stack> {
  const { directory, project, stack } = options;
  const workspace = join(directory, "workspace");
  const state = join(directory, "state");
  for (const path of [workspace, state, join(directory, "home", "plugins")])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  preventEngineLog(join(directory, "home"));
  const passphrase = ensurePassphrase(join(directory, "passphrase"));
  breakDeadLocks(state);
  for (const plugin of options.plugins ?? []) copyPlugin(plugin, join(directory, "home", "plugins"));
  installDynamicProvider(join(directory, "home", "plugins"));
  const environment = {
    // The engine lives for seconds: it collects a fifth of its processor time later, and mostly not at all.
    GOGC: process.env["GOGC"] ?? "400",
    ...options.environment,
    PULUMI_HOME: join(directory, "home"),
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    PULUMI_DEBUG_PROVIDERS: options.providers.map(({ name, port }) => `${name}:${port}`).join(","),
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  const kept = writeSettings(workspace, options);
  guardInlinePrograms();
  const local = await LocalWorkspace.create({
    program: options.program,
    workDir: workspace,
    pulumiHome: environment.PULUMI_HOME,
    envVars: environment,
    pulumiCommand: await pulumiCommand(installation(directory, options.pulumi), options.pulumi),
    // The program's directory, against which providers resolve relative paths.
    projectSettings: { name: project, runtime: "nodejs", main: process.cwd() },
  });
  const found = stackState(directory, options);
  // It is selected for commands that name no stack; all of the Automation API do.
  if (found.exists) local.selectStack = () => Promise.resolve();
  const opened = await Stack.createOrSelect(stack, local);
  if (!kept) await writeSecrets(workspace, options, environment);
  // Every update ends with both.
  const ask = { outputs: opened.outputs.bind(opened), info: opened.info.bind(opened) };
  opened.outputs = async () => found.outputs ?? ask.outputs();
  opened.info = async (showSecrets) => found.lastUpdate ?? ask.info(showSecrets);
  return opened;
}

const commands = new Map<string, Promise<PulumiCommand>>();

/** The CLI in a directory. A process asks each for its version once. */
function pulumiCommand(root: string, pulumi: string): Promise<PulumiCommand> {
  const key = JSON.stringify([root, pulumi]);
  const command = commands.get(key) ?? PulumiCommand.get({ root });
  commands.set(key, command);
  return command;
}

/**
 * Makes the directory with `bin/pulumi` that the Automation API asks for. Where the system can do that, the engine ends with
 * this process: alone it would record what our providers were creating as failed, and so as not existing.
 */
function installation(directory: string, pulumi: string): string {
  const root = join(directory, "cli");
  mkdirSync(join(root, "bin"), { recursive: true });
  const script = join(root, "bin", "pulumi");
  const command = `${quoteForShell(pulumi)} "$@"`;
  const bound = "setpriv --pdeathsig KILL";
  rmSync(script, { force: true });
  writeFileSync(script, `#!/bin/sh\n${bound} true 2>/dev/null && exec ${bound} ${command}\nexec ${command}\n`, {
    mode: 0o755,
  });
  return root;
}

/** What the engine has written of a stack. @param directory where it keeps its home, its state and its workspace */
export function stackState(
  directory: string,
  { project, stack }: Pick<EngineOptions, "project" | "stack">,
): StackState {
  return new StackState(join(directory, "state"), project, stack);
}

/** Where the stack's state is kept, and what encrypts its secrets: CI needs both to preview it. */
export function engineAccess(directory: string): { backend: string; passphrase: string } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const passphrase = readFileSync(ensurePassphrase(join(directory, "passphrase")), "utf8");
  return { backend: `file://${join(directory, "state")}`, passphrase };
}

function ensurePassphrase(file: string): string {
  if (!existsSync(file)) writeFileAtomically(file, randomBytes(24).toString("base64url"), 0o600);
  return file;
}

/**
 * Writes the plain settings where the engine reads them.
 * @returns whether the encrypted secrets that are there already are the desired ones
 */
function writeSettings(workspace: string, { stack, settings, secrets }: EngineOptions): boolean {
  const file = join(workspace, `Pulumi.${stack}.yaml`);
  // Our own file, written here or by the engine, has this shape.
  const before = existsSync(file)
    ? (parse(readFileSync(file, "utf8")) as { encryptionsalt?: string; config?: Record<string, unknown> })
    : {};
  const same =
    existsSync(fingerprintFile(workspace, stack)) &&
    readFileSync(fingerprintFile(workspace, stack), "utf8") === fingerprint(workspace, secrets);
  const encrypted = Object.entries(before.config ?? {}).filter(([key]) => same && key in secrets);
  writeFileSync(file, writeYaml({ ...before, config: { ...settings, ...Object.fromEntries(encrypted) } }), {
    mode: 0o600,
  });
  return same && encrypted.length === Object.keys(secrets).length;
}

/** Secrets go through standard input: arguments are visible to every user of the machine. */
async function writeSecrets(
  workspace: string,
  { pulumi, stack, secrets }: EngineOptions,
  environment: Record<string, string>,
): Promise<void> {
  for (const [key, value] of Object.entries(secrets)) {
    const args = ["config", "set", "--secret", key, "--stack", stack, "--non-interactive"];
    const env = { ...process.env, ...environment };
    const { code, stderr } = await runProcess(pulumi, args, { cwd: workspace, env, input: value });
    if (code !== 0) throw new Error(`the engine did not take the secret ${key}: ${stderr.toString().trim()}`);
  }
  writeFileSync(fingerprintFile(workspace, stack), fingerprint(workspace, secrets), { mode: 0o600 });
}

function fingerprintFile(workspace: string, stack: string): string {
  return join(workspace, `secrets.${stack}.sha256`);
}

/** Shows whether secrets have changed, without containing them: it is salted with the passphrase, which is as secret as they are. */
function fingerprint(workspace: string, secrets: Readonly<Record<string, string>>): string {
  return createHash("sha256")
    .update(readFileSync(join(workspace, "..", "passphrase")))
    .update(JSON.stringify(secrets))
    .digest("hex");
}

/**
 * Removes the locks on a local state whose owner was a process of this machine that has ended: a killed update leaves one,
 * and every later update would refuse to start. Locks of running processes and of other machines stay.
 * Source of the fields: https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/lock.go
 */
function breakDeadLocks(state: string): void {
  for (const path of globSync(join(state, ".pulumi", "locks", "**", "*.json"))) {
    const owner = readOwner(path);
    if (owner === undefined || owner.hostname !== hostname() || identify(owner.pid) !== undefined) continue;
    rmSync(path, { force: true });
  }
}

function readOwner(path: string): { pid: number; hostname: string } | undefined {
  try {
    const lock: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof lock !== "object" || lock === null || !("pid" in lock) || !("hostname" in lock)) return undefined;
    if (typeof lock.pid !== "number" || typeof lock.hostname !== "string") return undefined;
    return { pid: lock.pid, hostname: lock.hostname };
  } catch {
    return undefined;
  }
}
