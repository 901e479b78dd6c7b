import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { expect, test } from "vitest";
import { withProblems } from "../../../../sandbox/commands/terminal.ts";

const deployment = "urn:pulumi:sandbox::delivery::delivery:cluster:Workload$kubernetes:apps/v1:Deployment::link";
const stack = "urn:pulumi:sandbox::delivery::pulumi:pulumi:Stack::delivery-sandbox";

test("what succeeds gives its result, whatever was said on the way", async () => {
  await expect(withProblems(async (watch) => (watch.onEvent(problem("slow", deployment)), "done"))).resolves.toBe(
    "done",
  );
});

test("what fails tells each problem once, with the resource that has it", async () => {
  const failing = withProblems(async ({ onEvent }) => {
    onEvent(problem("<{%reset%}>no pods\n<{%reset%}>", deployment));
    onEvent(problem("1 problem; nothing was changed", stack));
    onEvent(problem("1 problem; nothing was changed", stack));
    throw new Error("code: -2 stdout: … all of it again");
  });
  await expect(failing).rejects.toThrow(/^Deployment link: no pods\n1 problem; nothing was changed$/);
});

test.each(["update failed", "grpc: the client connection is closing", "2 UNKNOWN: resource monitor shut down"])(
  "what only follows from the problem is left out: %s",
  async (consequence) => {
    const failing = withProblems(async ({ onEvent }) => {
      onEvent(problem("no pods", deployment));
      onEvent(problem(consequence, stack));
      throw new Error("code: -2");
    });
    await expect(failing).rejects.toThrow(/^Deployment link: no pods$/);
  },
);

test("a warning is no problem, and an engine that does not run says why itself", async () => {
  const failing = withProblems(async ({ onEvent }) => {
    onEvent({
      ...problem("careful", stack),
      diagnosticEvent: { color: "never", message: "careful", severity: "warning", urn: stack },
    });
    throw new Error("the stack is locked");
  });
  await expect(failing).rejects.toThrow(/^the stack is locked$/);
});

function problem(message: string, urn: string): EngineEvent {
  return { sequence: 1, timestamp: 0, diagnosticEvent: { color: "never", message, severity: "error", urn } };
}
