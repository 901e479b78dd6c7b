import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { OpenStack } from "./sandbox-stack.ts";

const pendingSchema = z.looseObject({
  type: z.string(),
  resource: z.looseObject({ urn: z.string(), type: z.string(), inputs: z.record(z.string(), z.unknown()).default({}) }),
});
type PendingOperation = z.infer<typeof pendingSchema>;

const deploymentSchema = z.looseObject({
  resources: z.array(z.unknown()).optional(),
  pending_operations: z.array(pendingSchema).optional(),
});

const standInSchema = z.object({
  projects: z.array(z.object({ id: z.string(), organizationId: z.string(), name: z.string() })),
  contexts: z.array(
    z.object({
      id: z.string(),
      organizationId: z.string(),
      name: z.string(),
      restrictions: z.array(z.object({ id: z.string(), type: z.string(), value: z.string() })),
    }),
  ),
});
type StandIn = z.infer<typeof standInSchema>;

/**
 * Prepares a stack for an update after an earlier one was killed: the engine does not know whether the objects that it was
 * creating exist. Those that CircleCI has are added to the state, since creating them again would fail with their names
 * taken. Kubernetes objects are adopted, and images built, when they are created again.
 */
export async function recoverStack(
  { stack, state }: Pick<OpenStack, "stack" | "state">,
  stateDir: string,
  report: (line: string) => void,
): Promise<void> {
  if (state.hasPendingOperations === false) return;
  const exported = await stack.exportStack();
  const deployment = deploymentSchema.parse(exported.deployment ?? {});
  const pending = deployment.pending_operations ?? [];
  if (pending.length === 0) return;
  const names = pending.map(({ resource }) => resource.urn.split("::").slice(-2).join(" "));
  report(`Pulumi: an earlier update was interrupted; looking at what there really is (${names.join(", ")})`);
  const standIn = readStandIn(join(stateDir, "circleci.json"));
  const found = pending.flatMap((operation) => {
    const identity =
      operation.type === "creating" && standIn !== undefined ? identityOf(operation, standIn) : undefined;
    return identity === undefined ? [] : [{ operation, identity }];
  });
  if (found.length > 0) {
    // What they depend on was created before, so it stands in the list already.
    const resources = [
      ...(deployment.resources ?? []),
      ...found.map(({ operation, identity }) => ({ ...operation.resource, id: identity.id, outputs: identity })),
    ];
    const rest = pending.filter((operation) => !found.some((one) => one.operation === operation));
    await stack.importStack({ ...exported, deployment: { ...deployment, resources, pending_operations: rest } });
  }
  await stack.refresh({ clearPendingCreates: true });
}

/** The stand-in's state, which is this sandbox's own; the API has no list of projects. */
function readStandIn(file: string): StandIn | undefined {
  return existsSync(file) ? standInSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

/** What a refresh needs to read the object that the operation has created; `undefined` if it has created none. */
function identityOf(
  { resource: { type, inputs } }: PendingOperation,
  { projects, contexts }: StandIn,
): ({ id: string } & Record<string, string>) | undefined {
  if (type === "circleci:index/project:Project") {
    const project = projects.find(
      ({ name, organizationId }) => name === inputs["name"] && organizationId === inputs["organizationId"],
    );
    return project && { id: project.id, slug: `circleci/${project.organizationId}/${project.id}` };
  }
  if (type === "circleci:index/context:Context") {
    const context = contexts.find(
      ({ name, organizationId }) => name === inputs["name"] && organizationId === inputs["organizationId"],
    );
    return context && { id: context.id, organizationId: context.organizationId };
  }
  if (type === "circleci:index/contextRestriction:ContextRestriction") {
    const restrictions = contexts.find(({ id }) => id === inputs["contextId"])?.restrictions ?? [];
    const restriction = restrictions.find((known) => known.type === inputs["type"] && known.value === inputs["value"]);
    return restriction && { id: restriction.id, contextId: String(inputs["contextId"]) };
  }
  return undefined;
}
