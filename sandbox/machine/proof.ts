import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { choosePort } from "./ports.ts";

const proofSchema = z.strictObject({
  /** Where VictoriaMetrics listens, which measures the canary. */
  metricsPort: z.int(),
});
type Proof = z.infer<typeof proofSchema>;

/** The service whose new images get some of the pods first. */
export const canaryService = "api-gateway";

const fileOf = (stateDir: string): string => join(stateDir, "proves-itself.json");

/** From now on, what is released in this sandbox has to prove itself, and one service by a canary; `npm run down` ends that. */
export async function demandProof(stateDir: string): Promise<Proof> {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const proof = { metricsPort: await choosePort(stateDir, "victoria-metrics", 8428) };
  writeFileAtomically(fileOf(stateDir), JSON.stringify(proof));
  return proof;
}

/** Whether it has to. */
export function demandsProof(stateDir: string): boolean {
  return existsSync(fileOf(stateDir));
}

/** From now on, nothing has to. */
export function endProof(stateDir: string): void {
  rmSync(fileOf(stateDir), { force: true });
}

/** Pods are asked whether they are ready for as long as one that becomes bad needs for that. */
const verify = { minutes: 0.5, timeoutMinutes: 5, checks: [{ http: { path: "/readyz" } }] };

/** What the job that verifies has beside the login of the deploy repository: it asks the cluster, and tells GitHub. */
const environment = { DELIVERY_KUBECONFIG: "kubeconfig", DELIVERY_GITHUB_TOKEN: "github-token" };

/** One pod of four gets the new image, and its answers are measured as soon as they can be known. */
const canaryOf = ({ metricsPort }: Proof) => ({
  replicas: 4,
  rollout: {
    strategy: "canary",
    steps: [{ weight: 25, pause: "30s" }],
    analysis: {
      prometheus: `http://127.0.0.1:${metricsPort}`,
      interval: "2s",
      delay: "8s",
      metrics: { "good-answers": { query: 'avg(avg_over_time(probe_success{pod=~"${pods}"}[5s]))', min: 0.9 } },
    },
  },
});

/** The settings of the sandbox's stack, with `verify` and the canary where that is demanded. */
export function withProof(stateDir: string, settings: Record<string, unknown>): Record<string, unknown> {
  if (!demandsProof(stateDir)) return settings;
  const proof = proofSchema.parse(JSON.parse(readFileSync(fileOf(stateDir), "utf8")));
  const ci: { readonly environment?: object } = Object(settings["delivery:ci"]);
  return {
    ...settings,
    "delivery:verify": verify,
    "delivery:ci": { ...ci, environment: { ...ci.environment, ...environment } },
    "delivery:gitops": { ...Object(settings["delivery:gitops"]), rollouts: "existing" },
    "delivery:services": { ...Object(settings["delivery:services"]), [canaryService]: canaryOf(proof) },
  };
}
