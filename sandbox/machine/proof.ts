import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../core/atomic-file.ts";

const fileOf = (stateDir: string): string => join(stateDir, "proves-itself");

/** From now on, what is released in this sandbox has to prove itself; `npm run down` ends that. */
export function demandProof(stateDir: string): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileAtomically(fileOf(stateDir), "Releases have to prove themselves: `npm run demo -- --bad` has been run.\n");
}

/** Pods are asked whether they are ready for as long as one that becomes bad needs for that. */
const verify = { minutes: 0.5, timeoutMinutes: 5, checks: [{ http: { path: "/readyz" } }] };

/** What the job that verifies has beside the login of the deploy repository: it asks the cluster, and tells GitHub. */
const environment = { DELIVERY_KUBECONFIG: "kubeconfig", DELIVERY_GITHUB_TOKEN: "github-token" };

/** The settings of the sandbox's stack, with `verify` where that is demanded. */
export function withProof(stateDir: string, settings: Record<string, unknown>): Record<string, unknown> {
  if (!existsSync(fileOf(stateDir))) return settings;
  const ci: { readonly environment?: object } = Object(settings["delivery:ci"]);
  return {
    ...settings,
    "delivery:verify": verify,
    "delivery:ci": { ...ci, environment: { ...ci.environment, ...environment } },
  };
}
