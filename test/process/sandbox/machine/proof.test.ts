import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { demandProof, demandsProof, withProof } from "../../../../sandbox/machine/proof.ts";

let stateDir: string;
beforeAll(() => (stateDir = mkdtempSync(join(tmpdir(), "proof-"))));
afterAll(() => rmSync(stateDir, { recursive: true }));

const settings = {
  "delivery:ci": { host: "http://localhost", environment: { DELIVERY_GIT_TOKEN: "deploy-token" } },
  "delivery:gitops": { repository: "http://localhost/deploy.git" },
};

test("what is released has nothing to prove until that is demanded, and a canary is measured from then on", async () => {
  expect(demandsProof(stateDir)).toBe(false);
  expect(withProof(stateDir, settings)).toBe(settings);
  const { metricsPort } = await demandProof(stateDir);
  expect(demandsProof(stateDir)).toBe(true);
  expect(withProof(stateDir, settings)).toMatchObject({
    "delivery:verify": { minutes: 0.5 },
    "delivery:ci": {
      host: "http://localhost",
      environment: { DELIVERY_GIT_TOKEN: "deploy-token", DELIVERY_KUBECONFIG: "kubeconfig" },
    },
    "delivery:gitops": { repository: "http://localhost/deploy.git", rollouts: "existing" },
    "delivery:services": {
      "api-gateway": {
        replicas: 4,
        rollout: {
          steps: [{ weight: 25, pause: "30s" }],
          analysis: { prometheus: `http://127.0.0.1:${metricsPort}` },
        },
      },
    },
  });
  expect(await demandProof(stateDir)).toEqual({ metricsPort });
});
