import { readStackSettings } from "../cli/project/stack-file.ts";
import { stackSchema } from "../stacks/schema.ts";

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
