import { z } from "zod";

/** An exported state. What of it is not read here is kept as it is. */
export type Deployment = z.infer<typeof deploymentSchema>;

const values = z.record(z.string(), z.unknown()).default({});
const resourceSchema = z.looseObject({
  urn: z.string(),
  type: z.string(),
  id: z.string().default(""),
  provider: z.string().default(""),
  parent: z.string().default(""),
  delete: z.boolean().default(false),
  protect: z.boolean().default(false),
  inputs: values,
  outputs: values,
});
/** A resource as the state has it. */
export type StateResource = z.infer<typeof resourceSchema>;

const operationSchema = z.looseObject({ type: z.string(), resource: z.looseObject({ urn: z.string() }) });

const deploymentSchema = z.looseObject({
  deployment: z.looseObject({
    resources: z.array(z.unknown()).default([]),
    pending_operations: z.array(operationSchema).nullish(),
  }),
});

/** A number stays as it is written, however many digits it has. */
interface LosslessJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}

// TypeScript's library does not declare yet what ECMAScript says of the source text of JSON.
const lossless = JSON as unknown as LosslessJson;

/** @param text of `pulumi stack export`, in which secrets are encrypted */
export function parseDeployment(text: string): Deployment {
  return deploymentSchema.parse(
    lossless.parse(text, (_key, value, { source }) =>
      typeof value === "number" && source !== undefined && String(value) !== source ? lossless.rawJSON(source) : value,
    ),
  );
}

/** What CircleCI's provider manages, those that wait for their deletion among them. */
export function circleCiResources({ deployment }: Deployment): StateResource[] {
  return resourcesOf(deployment.resources).filter(({ type }) => type.startsWith("circleci:"));
}

/** Without those that wait for their deletion. */
export function resourcesOfType({ deployment }: Deployment, wanted: string): StateResource[] {
  return resourcesOf(deployment.resources).filter(({ type, delete: isLeftover }) => type === wanted && !isLeftover);
}

function resourcesOf(resources: readonly unknown[]): StateResource[] {
  return resources.map((resource) => resourceSchema.parse(resource));
}

/** The settings that a resource's provider was configured with, as the state has them. */
export function providerInputs({ deployment }: Deployment, { provider }: StateResource): Record<string, unknown> {
  const found = resourcesOf(deployment.resources).find(({ urn, id }) => `${urn}::${id}` === provider);
  return found?.inputs ?? {};
}

/**
 * The URNs of what was being created when an update was killed: it may be there or not. `pulumi stack import` forgets it; what
 * was being changed or deleted is in the state all the same. Seen with Pulumi 3.258.
 */
export function interruptedCreations({ deployment }: Deployment): string[] {
  return (deployment.pending_operations ?? []).flatMap(({ type, resource }) =>
    type === "creating" ? [resource.urn] : [],
  );
}

/** A resource and its replacement, which waits for the old one's deletion, have the same URN. */
function same(one: StateResource, other: StateResource): boolean {
  return one.urn === other.urn && one.id === other.id && one.delete === other.delete;
}

/**
 * The state without some resources, and without mention of them in those that stay: a resource that depended on one of them
 * is still there.
 */
export function withoutResources(exported: Deployment, removed: readonly StateResource[]): Deployment {
  const { deployment } = exported;
  const kept = deployment.resources.filter(
    (resource) => !removed.some((one) => same(one, resourceSchema.parse(resource))),
  );
  const left = new Set(resourcesOf(kept).map(({ urn }) => urn));
  const isLeft = (urn: unknown): boolean => typeof urn === "string" && left.has(urn);
  return {
    ...exported,
    deployment: {
      ...deployment,
      resources: kept.map((resource) => withDependencies(resource, isLeft)),
    },
  };
}

const dependentSchema = z.looseObject({
  dependencies: z.array(z.string()).exactOptional(),
  propertyDependencies: z.record(z.string(), z.array(z.string()).nullable()).exactOptional(),
  deletedWith: z.string().exactOptional(),
});

function withDependencies(resource: unknown, isLeft: (urn: unknown) => boolean): unknown {
  const { dependencies, propertyDependencies, deletedWith, ...rest } = dependentSchema.parse(resource);
  return {
    ...rest,
    ...(dependencies === undefined ? {} : { dependencies: dependencies.filter(isLeft) }),
    ...(propertyDependencies === undefined
      ? {}
      : {
          propertyDependencies: Object.fromEntries(
            Object.entries(propertyDependencies).map(([name, urns]) => [name, urns?.filter(isLeft) ?? null]),
          ),
        }),
    ...(isLeft(deletedWith) ? { deletedWith } : {}),
  };
}
