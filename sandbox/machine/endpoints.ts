import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readStackSettings } from "../../cli/project/stack-file.ts";
import { writeFileAtomically } from "../../core/atomic-file.ts";
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

const fileOf = (stateDir: string): string => join(stateDir, "endpoints.json");

/** The endpoints of a sandbox; `undefined` as long as it has never been up. */
export function loadEndpoints(stateDir: string): SandboxEndpoints | undefined {
  const file = fileOf(stateDir);
  return existsSync(file) ? endpointsSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

export function saveEndpoints(stateDir: string, endpoints: SandboxEndpoints): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileAtomically(fileOf(stateDir), JSON.stringify(endpoints, undefined, 2));
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
