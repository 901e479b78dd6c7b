import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readStackSettings } from "../../cli/project/stack-file.ts";
import { stackSchema } from "../../stacks/schema.ts";

const endpointsSchema = z.strictObject({
  /** The registry as image names have it, e.g. `localhost:5001`. */
  registryHost: z.string(),
  circleci: z.strictObject({ url: z.url(), organizationId: z.uuid() }),
  kubeconfigPath: z.string(),
  /** The deploy repository; none with delivery `direct`. */
  deployRepository: z.url().optional(),
  /** The source repository, which CI checks out, and the API of its host; none with delivery `direct`. */
  sourceRepository: z.url().optional(),
  githubApi: z.url().optional(),
});

/** Where the parts of a running sandbox are that its stack points at. */
export type SandboxEndpoints = z.infer<typeof endpointsSchema>;

const fileOf = (stateDir: string): string => join(stateDir, "targets.json");

/** The targets of this sandbox; `undefined` as long as it has never been up. */
export function loadEndpoints(stateDir: string): SandboxEndpoints | undefined {
  const file = fileOf(stateDir);
  return existsSync(file) ? endpointsSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

export function saveEndpoints(stateDir: string, targets: SandboxEndpoints): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(`${fileOf(stateDir)}.new`, JSON.stringify(targets, undefined, 2));
  renameSync(`${fileOf(stateDir)}.new`, fileOf(stateDir));
}

const stack = "sandbox";

const sandboxSchema = stackSchema
  .pick({ app: true, environment: true, images: true, ci: true, delivery: true, gitops: true, github: true })
  .required({ gitops: true, github: true });

/** What the sandbox needs to know of its own stack file, read as the program reads it. */
export function sandboxSettings() {
  const settings = readStackSettings(stack, sandboxSchema);
  if (settings === undefined) throw new Error("stacks/Pulumi.sandbox.yaml is missing: run this in the checkout's root");
  const { host } = settings.ci;
  if (host === undefined)
    throw new Error("stacks/Pulumi.sandbox.yaml: ci.host: missing; set it to the stand-in's address");
  return { ...settings, environment: settings.environment ?? stack, ci: { ...settings.ci, host } };
}
