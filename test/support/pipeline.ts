import { join } from "node:path";
import type { EngineEvent, OutputMap, Stack } from "@pulumi/pulumi/automation/index.js";
import { errorMessage } from "../../core/error.ts";
import type { Sandbox } from "../../sandbox/commands/start-sandbox.ts";
import { withProblems } from "../../sandbox/commands/terminal.ts";
import { recoverStack } from "../../sandbox/engine/recovery.ts";
import { openSandboxStack, type StackOverrides } from "../../sandbox/engine/sandbox-stack.ts";
import type { SandboxEndpoints } from "../../sandbox/machine/endpoints.ts";

export interface PipelineOptions {
  sandbox: Sandbox;
  stateDir: string;
  /** The app's name, and with it that of the namespace, the context, the project and the images. */
  name: string;
  /** The root of its monorepo. */
  directory: string;
}

/** What is other than usual in one run. */
export interface Variation extends Pick<StackOverrides, "secrets" | "prepare"> {
  settings?: Readonly<Record<string, unknown>>;
  endpoints?: Partial<SandboxEndpoints>;
  onEvent?: (event: EngineEvent) => void;
  /** Interrupts the engine, as Ctrl+C does. */
  signal?: AbortSignal;
}

export interface Outcome {
  /** The resources that were not as wanted, sorted, e.g. `update Deployment link`. */
  changes: string[];
  /** All that the engine printed. */
  output: string;
  outputs: OutputMap;
  /** Why it failed; empty where it did not. */
  error: string;
}

export type Operation = "up" | "preview" | "refresh" | "destroy";

/** A stack of this program in the tests' sandbox, run as `npm run up` runs the sandbox's own. */
export interface Pipeline {
  readonly name: string;
  /** Where the engine keeps its state. */
  readonly engineDirectory: string;
  /** @throws Error with the engine's output if it fails */
  run(operation: Operation, variation?: Variation): Promise<Outcome>;
  /** @throws Error if it succeeds */
  fail(operation: Operation, variation?: Variation): Promise<Outcome>;
}

export function openPipeline({ sandbox, stateDir, name, directory }: PipelineOptions): Pipeline {
  const engineDirectory = join(stateDir, "engines", name);
  const attempt = async (operation: Operation, variation: Variation): Promise<Outcome> => {
    const settings = {
      "delivery:app": { name, directory },
      "delivery:delivery": "direct",
      "delivery:owns": { ciProject: true },
      "delivery:defaults": {},
      ...variation.settings,
    };
    await using open = await openSandboxStack({
      ...sandbox,
      stateDir,
      endpoints: { ...sandbox.endpoints, ...variation.endpoints },
      overrides: { ...variation, directory: engineDirectory, settings },
      report: () => undefined,
    });
    if (operation === "up") await recoverStack(open, stateDir, () => undefined);
    return await observe(open.stack, operation, variation);
  };
  return {
    name,
    engineDirectory,
    run: async (operation, variation = {}) => {
      const outcome = await attempt(operation, variation);
      if (outcome.error !== "") throw new Error(`${operation} of ${name} failed: ${outcome.error}`);
      return outcome;
    },
    fail: async (operation, variation = {}) => {
      const outcome = await attempt(operation, variation);
      if (outcome.error === "")
        throw new Error(`${operation} of ${name} should have failed, but printed: ${outcome.output}`);
      return outcome;
    },
  };
}

async function observe(
  stack: Stack,
  operation: Operation,
  { onEvent: listener, signal }: Pick<Variation, "onEvent" | "signal">,
): Promise<Outcome> {
  const changes = new Set<string>();
  const printed: string[] = [];
  const options = {
    suppressProgress: true,
    ...(signal === undefined ? {} : { signal }),
    // What a preview is for: each changed property, and so each file.
    diff: operation === "preview",
    onOutput: (text: string) => void printed.push(text),
    onEvent: (event: EngineEvent) => {
      listener?.(event);
      const change = changeIn(event);
      if (change !== undefined) changes.add(change);
    },
  };
  const error = await reasonOf(
    withProblems<unknown>((watch) => stack[operation]({ ...options, onEvent: both(watch.onEvent, options.onEvent) })),
  );
  const outputs = error === "" && operation === "up" ? await stack.outputs() : {};
  return { changes: [...changes].toSorted(), output: printed.join(""), outputs, error };
}

function both(first: (event: EngineEvent) => void, second: (event: EngineEvent) => void): (event: EngineEvent) => void {
  return (event) => {
    first(event);
    second(event);
  };
}

async function reasonOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "";
  } catch (error) {
    return errorMessage(error);
  }
}

/** The change that a step has made, or at preview would make. */
function changeIn({ resOutputsEvent }: EngineEvent): string | undefined {
  if (resOutputsEvent === undefined) return undefined;
  const { op, type, urn } = resOutputsEvent.metadata;
  if (["same", "read", "refresh"].includes(op)) return undefined;
  // The engine hands all settings to the provider of dynamic resources, and so notes every change of them as one of the provider.
  if (op === "update" && type === "pulumi:providers:pulumi-nodejs") return undefined;
  return `${op} ${type.split(":").at(-1)} ${urn.split("::").at(-1)}`;
}

/** What the sandbox's CI asks for, which does not change. */
export const ciSecrets = {
  "deploy-token": "a",
  "previews-token": "g",
  "github-token": "b",
  "pulumi-passphrase": "c",
  "pulumi-backend": "d",
  "registry-user": "e",
  "registry-password": "f",
};
