import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";

const deploymentSchema = z.object({
  pending_operations: z.array(z.object({ type: z.string(), resource: z.object({ urn: z.string() }) })).optional(),
});

/**
 * Makes a stack fit for an update after an earlier one was killed in the middle: the engine then does not know whether
 * the objects that it was creating exist, and refuses to go on. They are forgotten, and adopted when they are created again.
 */
export async function recover(stack: Stack, report: (line: string) => void): Promise<void> {
  const { deployment } = await stack.exportStack();
  const pending = deploymentSchema.parse(deployment ?? {}).pending_operations ?? [];
  if (pending.length === 0) return;
  const names = pending.map(({ resource }) => resource.urn.split("::").slice(-2).join(" "));
  report(`Pulumi: an earlier update was interrupted; looking at what there really is (${names.join(", ")})`);
  await stack.refresh({ clearPendingCreates: true });
}
