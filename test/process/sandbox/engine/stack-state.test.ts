import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { secret } from "@pulumi/pulumi";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import { openStack, stackState } from "../../../../sandbox/engine/open-stack.ts";
import type { StackState } from "../../../../sandbox/engine/stack-state.ts";
import { buildTools } from "../../../../sandbox/machine/tools/go-tools.ts";

/** What is read from the engine's files is what its CLI says. The tests build on each other. */
const directory = temporaryDirectory("stack-state-");
const id = { project: "shop", stack: "dev" };
const program: { outputs: Record<string, unknown> } = { outputs: { hosts: ["a", "b"], count: 2 } };
let state: StackState;
let stack: Stack;

beforeAll(async () => {
  state = stackState(directory.path, id);
  const { pulumi } = await buildTools(["pulumi"], () => undefined);
  const options = { ...id, directory: directory.path, pulumi, settings: {}, secrets: {}, providers: [] };
  stack = await openStack({ ...options, program: () => Promise.resolve(program.outputs) });
}, 1_800_000);
afterAll(() => directory[Symbol.dispose]());

test("of a stack that was never updated nothing is known, and nothing was interrupted", async () => {
  const { exists, hasPendingOperations, outputs, lastUpdate } = state;
  expect({ exists, hasPendingOperations, outputs, lastUpdate }).toEqual({ exists: true, hasPendingOperations: false });
  expect([await stack.outputs(), await stack.info()]).toEqual([{}, undefined]);
});

test("after an update: its outputs, and what it has done", async () => {
  const { outputs, summary } = await stack.up();
  expect(outputs).toEqual({ hosts: { value: ["a", "b"], secret: false }, count: { value: 2, secret: false } });
  expect(outputs).toEqual(await stack.workspace.stackOutputs(stack.name));
  const [told] = await stack.history(1, 1, false);
  expect(summary).toEqual({ ...told, config: {} });
  expect(summary.resourceChanges).toEqual({ create: 1 });
  expect(state.hasPendingOperations).toBe(false);
});

test("the engine has written no log, and has not minded", () => {
  expect(readFileSync(join(directory.path, "home", "logs"), "utf8")).toBe("");
});

test("with a secret among the outputs the CLI is asked, which can decrypt it", async () => {
  program.outputs = { count: 2, token: secret("hunter2") };
  const { outputs } = await stack.up();
  expect(state.outputs).toBeUndefined();
  expect(outputs).toEqual({ count: { value: 2, secret: false }, token: { value: "hunter2", secret: true } });
});

test("operations that were interrupted are seen", () => {
  // As an engine leaves it that is killed, which integration/kill.test.ts does. Its import would remove them.
  const file = join(directory.path, "state", ".pulumi", "stacks", id.project, `${id.stack}.json`);
  const content = JSON.parse(readFileSync(file, "utf8"));
  content.checkpoint.latest.pending_operations = [{ resource: { type: "shop:index:Cart" }, type: "creating" }];
  writeFileSync(file, JSON.stringify(content));
  expect(state.hasPendingOperations).toBe(true);
});

test("where there is no such stack, only the CLI knows", () => {
  const { exists, hasPendingOperations, outputs, lastUpdate } = stackState(directory.path, { ...id, stack: "prod" });
  expect({ exists, hasPendingOperations, outputs, lastUpdate }).toEqual({ exists: false });
});
