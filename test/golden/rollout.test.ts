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

test("those of a service of which all requests go to new pods at once are, too", async () => {
  const measured = { prometheus: "http://metrics.monitoring:9090", interval: "30s", count: 4 };
  const service = sampleService("link", {
    rollout: {
      strategy: "blueGreen",
      autoPromotion: "5m",
      scaleDownDelay: "10m",
      prePromotionAnalysis: { ...measured, metrics: { ready: { query: 'min(up{pod=~"${pods}"})', min: 1 } } },
      postPromotionAnalysis: {
        ...measured,
        delay: "1m",
        metrics: { errors: { query: 'sum(rate(errors{pod=~"${pods}"}[1m]))', max: 0.01, failures: 1 } },
      },
    },
  });
  const image = `docker.io/acme/shop-link@sha256:${"a".repeat(64)}`;
  const files = serviceFiles(serviceManifests(sampleContext([service]), service, { image }));
  const { "rollout.yaml": rollout = "" } = files;
  const shown = [
    ["kustomization.yaml", files["kustomization.yaml"]],
    ["rollout.yaml, but for its pods", rollout.slice(0, rollout.indexOf("  template:\n"))],
    ...["pre-promotion-analysis.yaml", "post-promotion-analysis.yaml", "service.yaml", "preview-service.yaml"].map(
      (name) => [name, files[name]],
    ),
  ].map(([name, text]) => `# ${name}\n${text}`);
  await expect(shown.join("---\n")).toMatchFileSnapshot("rollout-blue-green.yaml");
});

test("those of a service whose requests the Gateway splits are, too", async () => {
  const service = sampleService("link", {
    expose: true,
    rollout: { strategy: "canary", router: "gateway", steps: [{ weight: 1, pause: "5m" }, { weight: 20 }] },
  });
  const gateway = { name: "public", namespace: "gateways", domain: "dev.acme.example", scheme: "https" as const };
  const image = `docker.io/acme/shop-link@sha256:${"a".repeat(64)}`;
  const files = serviceFiles(serviceManifests(sampleContext([service], { gateway }), service, { image }));
  const { "rollout.yaml": rollout = "" } = files;
  const shown = [
    ["kustomization.yaml", files["kustomization.yaml"]],
    ["rollout.yaml, but for its pods", rollout.slice(0, rollout.indexOf("  template:\n"))],
    ...["service.yaml", "canary-service.yaml", "http-route.yaml"].map((name) => [name, files[name]]),
  ].map(([name, text]) => `# ${name}\n${text}`);
  await expect(shown.join("---\n")).toMatchFileSnapshot("rollout-routed.yaml");
});
