import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gitUsers } from "../../../sandbox/machine/credentials.ts";
import { sandboxSettings } from "../../../sandbox/machine/endpoints.ts";
import type { Environment } from "./environment.ts";
import type { GitOpsHarness } from "./gitops-harness.ts";

/** Whose command it is. */
interface Target extends Pick<Environment, "name" | "app"> {
  /** Where `stacks` with its stack file is. @default no stack file says more of it */
  readonly directory?: string;
}

const program = join(import.meta.dirname, "..", "..", "..", "cli", "delivery.js");

/** Runs `npx delivery` as CI does. @throws Error with what it says if it fails */
export async function delivery(
  harness: GitOpsHarness,
  target: Target,
  command: string,
  ...args: string[]
): Promise<string> {
  return outputOf(command, startDelivery(harness, target, command, ["--env", target.name, ...args]));
}

/** Runs `npx delivery promote`, with no gates. @throws Error with what it says if it fails */
export async function promote(harness: GitOpsHarness, from: Target, to: Target, ...args: string[]): Promise<string> {
  return outputOf("promote", startDelivery(harness, to, "promote", ["--from", from.name, "--to", to.name, ...args]));
}

async function outputOf(command: string, child: ReturnType<typeof startDelivery>): Promise<string> {
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((done) => child.once("close", done)),
  ]);
  if (code !== 0) throw new Error(`delivery ${command}: exit status ${String(code)}\n${errors}`);
  return output;
}

/** Runs a command that does not end by itself until it is disposed of. @param signal with which it is ended */
export function keepDelivering(
  harness: GitOpsHarness,
  target: Target,
  command: string,
  args: readonly string[],
  signal: NodeJS.Signals = "SIGTERM",
): AsyncDisposable {
  const child = startDelivery(harness, target, command, ["--env", target.name, ...args]);
  const ended = new Promise((done) => child.once("close", done));
  child.stdout.resume();
  child.stderr.resume();
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill(signal);
      await ended;
    },
  };
}

/** Runs a command that is left to the caller. @param variables of its environment, beside what it needs */
export function startDelivery(
  harness: GitOpsHarness,
  { app, directory }: Target,
  command: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
) {
  const { stateDir, sandbox, credentials, repositoryUrl } = harness;
  const images = `${sandbox.endpoints.registryHost}/delinkcious/${app}`;
  const where = ["--repository", repositoryUrl, "--images", images];
  return spawn(process.execPath, [program, command, ...where, ...args], {
    cwd: directory ?? stateDir,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      DELIVERY_GIT_USERNAME: gitUsers.writer,
      DELIVERY_GIT_TOKEN: credentials.gitWriteToken,
      DELIVERY_REGISTRY_USERNAME: sandboxSettings().images.username,
      DELIVERY_REGISTRY_PASSWORD: credentials.registryPassword,
      KUBECONFIG: sandbox.cluster.kubeconfigPath,
      ...variables,
    },
  });
}
