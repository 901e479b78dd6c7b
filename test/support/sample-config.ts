import { loadConfig, type Config } from "../../stacks/config.ts";
import { secretsSchema } from "../../stacks/schema.ts";
import { asProgramConfig } from "../../stacks/stack-file.ts";
import { openMockEngine } from "./mock-engine.ts";

export type Settings = Record<string, unknown>;
/** The least that a stack file and its secrets may say. */
export const minimal: Settings = {
  schemaVersion: 2,
  app: { name: "shop", directory: "app" },
  images: { organization: "acme", username: "acme-ci", source: "build" },
  ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10", projectSlug: "gh/acme/shop" },
  delivery: "direct",
  registryPassword: "hunter2",
  circleciToken: "hunter3",
};
/** The keys of secrets as the engine names them. */
export const secretKeys = Object.keys(secretsSchema.shape).map((key) => `delivery:${key}`);

/** What the program makes of the least settings with these changes. */
export async function loadSampleConfig(changes: Settings = {}, stack = "dev"): Promise<Config> {
  const settings = Object.entries({ ...minimal, ...changes }).map(([key, value]) => [`delivery:${key}`, value]);
  await openMockEngine(stack, { values: asProgramConfig(Object.fromEntries(settings)), secretKeys });
  return loadConfig();
}
