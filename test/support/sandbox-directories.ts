import { join } from "node:path";

const checkout = join(import.meta.dirname, "..", "..");

/** The state directory of the sandbox of a project's tests: beside the checkout's own and the others', so that they never touch each other. */
export const sandboxDirectories = {
  integration: join(checkout, ".sandbox-test"),
  e2e: join(checkout, ".sandbox-e2e"),
  "shared-argo-cd": join(checkout, ".sandbox-shared-argo-cd"),
} as const;
