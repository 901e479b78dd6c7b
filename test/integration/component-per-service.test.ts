import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createMonorepo, type Monorepo } from "../support/monorepo.ts";
import { openPipeline, type Pipeline } from "../support/pipeline.ts";
import { deploymentOf, enterSandbox, type SandboxHarness } from "../support/sandbox-harness.ts";

const resourceSchema = z.looseObject({ urn: z.string(), type: z.string(), parent: z.string().optional() });
type Resource = z.infer<typeof resourceSchema>;
const stateSchema = z.looseObject({
  checkpoint: z.looseObject({ latest: z.looseObject({ resources: z.array(resourceSchema) }) }),
});

const app = "grouped";
const services = ["cart", "catalog"];
/** The components of which a stack has one for all services, and may have had one for each. */
const components = ["delivery:images:ServiceImage", "delivery:cluster:Workload"];

let harness: SandboxHarness;
let monorepo: Monorepo;
let pipeline: Pipeline;

beforeAll(async () => {
  harness = await enterSandbox();
  monorepo = createMonorepo(join(harness.stateDir, "monorepos", app), services);
  pipeline = openPipeline({ ...harness, name: app, directory: monorepo.directory });
  await pipeline.run("up");
});

afterAll(async () => {
  await pipeline.run("destroy");
  rmSync(monorepo.directory, { recursive: true });
});

test("a state with components for each service keeps all that runs", async () => {
  const before = await Promise.all(services.map(deployment));
  giveEachServiceItsComponents();
  const planned = [
    ...["ServiceImage", "Workload"].map((kind) => `create ${kind} ${app}`),
    ...["ServiceImage", "Workload"].flatMap((kind) => services.map((service) => `delete ${kind} ${service}`)),
  ];
  expect((await pipeline.run("preview")).changes).toEqual(planned);
  expect((await pipeline.run("up")).changes).toEqual(planned);
  expect(await Promise.all(services.map(deployment))).toEqual(before);
  expect((await pipeline.run("up")).changes).toEqual([]);
});

const deployment = (service: string) => deploymentOf(harness.kubernetes, `${app}-sandbox`, service);

/** Writes the state as a program leaves it that has components for each service. */
function giveEachServiceItsComponents(): void {
  const file = join(pipeline.engineDirectory, "state/.pulumi/stacks/delivery/sandbox.json");
  const state = stateSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const { latest } = state.checkpoint;
  const resources = latest.resources.flatMap((resource): Resource[] => {
    const { type, parent = "" } = resource;
    if (components.includes(type))
      return services.map((service) => ({ ...resource, urn: named(resource.urn, service), inputs: {}, outputs: {} }));
    const [parentType = ""] = parent.split("::").slice(2);
    return [components.includes(parentType) ? { ...resource, parent: named(parent, resource.urn) } : resource];
  });
  const changed = { ...state, checkpoint: { ...state.checkpoint, latest: { ...latest, resources } } };
  expect(resources).toHaveLength(latest.resources.length + components.length * (services.length - 1));
  writeFileSync(file, JSON.stringify(changed));
}

/** A URN with the name of another one, or with the name itself. */
function named(urn: string, name: string): string {
  return [...urn.split("::").slice(0, -1), name.split("::").at(-1)].join("::");
}
