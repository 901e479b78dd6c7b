import { expect, test } from "vitest";
import { serviceFiles } from "../../components/manifests/manifest-files.ts";
import { serviceManifests } from "../../components/manifests/manifests.ts";
import { sampleContext, sampleService } from "../support/sample-shop.ts";

test("the files of a service with a canary are what their golden file says", async () => {
  const service = sampleService("link", {
    replicas: 4,
    rollout: {
      strategy: "canary",
      steps: [{ weight: 25, pause: "5m" }, { weight: 50 }],
      analysis: {
        prometheus: "http://metrics.monitoring:9090",
        interval: "30s",
        metrics: {
          errors: {
            query: 'sum(rate(errors{pod=~"${pods}"}[1m])) / sum(rate(requests{pod=~"${pods}"}[1m]))',
            max: 0.01,
          },
          traffic: { query: 'sum(rate(requests{pod=~"${pods}"}[1m]))', min: 1, failures: 2 },
        },
      },
    },
  });
  const context = { ...sampleContext([service]), admission: { action: "enforce" as const, images: [] } };
  const image = `docker.io/acme/shop-link@sha256:${"a".repeat(64)}`;
  const files = serviceFiles(serviceManifests(context, service, { image }));
  const shown = ["kustomization.yaml", "rollout.yaml", "analysis-template.yaml"].map(
    (name) => `# ${name}\n${files[name]}`,
  );
  expect(Object.keys(files)).not.toContain("deployment.yaml");
  await expect(shown.join("---\n")).toMatchFileSnapshot("rollout.yaml");
});
