import { expect, test } from "vitest";
import { reportObjects } from "../../../../components/manifests/object-report.ts";
import type { Patch } from "../../../../components/service/patches.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

const images = { registry: "docker.io", organization: "acme" };
const located = (patch: Patch, shared = false) => [{ ...patch, location: "file: patches.0", shared }];

test("there is nothing to say where nothing is patched, and nothing brought along", () =>
  expect(reportObjects(sampleContext([sampleService("link")]), images)).toEqual({
    problems: [],
    warnings: [],
    podSecurity: "restricted",
  }));

test("pods with more rights are said aloud, with what they ask for, and the namespace lets them run", () => {
  const containers = [{ name: "link", securityContext: { capabilities: { add: ["NET_ADMIN"] } } }];
  const patch: Patch = { kind: "Deployment", patch: { spec: { template: { spec: { containers } } } } };
  const link = sampleService("link", { allPatches: located(patch) });
  expect(reportObjects(sampleContext([link, sampleService("user")]), images)).toEqual({
    problems: [],
    warnings: [
      "link asks for more rights than Pod Security `restricted` gives: capabilities.add of link; namespace shop-dev enforces `privileged` because of it",
    ],
    podSecurity: "privileged",
  });
});

test("a metric of a rollout that is not limited to the new pods is said aloud", () => {
  const rollout = (queries: Record<string, string>) => ({
    strategy: "canary" as const,
    steps: [{ weight: 50, pause: "5m" }],
    analysis: {
      prometheus: "http://metrics.monitoring:9090",
      metrics: Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, { query, max: 1 }])),
    },
  });
  const services = [
    sampleService("link", { rollout: rollout({ errors: "sum(errors)", latency: 'avg(latency{pod=~"${pods}"})' }) }),
    sampleService("user", { rollout: rollout({ errors: 'sum(errors{pod=~"${pods}"})' }) }),
  ];
  expect(reportObjects(sampleContext(services), images).warnings).toEqual([
    expect.stringMatching(
      /^the query of metric errors, by which the rollout of link is judged, does not have \$\{pods\}: .*pod=~"\$\{pods\}"$/,
    ),
  ]);
  // There, no rollout has steps.
  expect(reportObjects(sampleContext(services), images, true).warnings).toEqual([]);
});

test("a kind that only the cluster knows is said not to be checked", () => {
  const object = { apiVersion: "monitoring.coreos.com/v1", kind: "ServiceMonitor", metadata: { name: "link" } };
  const link = sampleService("link", { ownObjects: [{ file: "k8s/monitor.yaml", object }] });
  expect(reportObjects(sampleContext([link]), images)).toEqual({
    problems: [],
    warnings: ["ServiceMonitor link of link is not checked: only the cluster knows monitoring.coreos.com/v1"],
    podSecurity: "restricted",
  });
});

test("the environment of a pull request may lack what a patch is for, and has no other problem less", () => {
  const autoscaler: Patch = { kind: "HorizontalPodAutoscaler", patch: { spec: { minReplicas: 2 } } };
  const moved: Patch = { kind: "Service", patch: { metadata: { namespace: "kube-system" } } };
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "own", namespace: "shop-staging" } };
  const context = sampleContext([
    sampleService("link", {
      allPatches: [...located(autoscaler), ...located(moved)],
      ownObjects: [{ file: "k8s/own.yaml", object }],
    }),
  ]);
  const messages = (isPart: boolean): string[] =>
    reportObjects(context, images, isPart).problems.map(({ message }) => message);
  const stays = 'of Service link: metadata.namespace must stay "shop-dev": an environment has one namespace';
  expect(messages(true)).toEqual([stays]);
  expect(messages(false)).toEqual([
    stays,
    expect.stringMatching(/^link has no HorizontalPodAutoscaler; it has /),
    'metadata.namespace: "shop-staging": the environment\'s is shop-dev; leave it out',
  ]);
});

test("a patch for all services may concern some of them alone", () => {
  const patch: Patch = { kind: "Service", patch: { metadata: { labels: { team: "news" } } } };
  const allPatches = located(patch, true);
  const services = [
    sampleService("link", { allPatches }),
    sampleService("mailer", { kind: "worker", port: undefined, allPatches }),
  ];
  expect(reportObjects(sampleContext(services), images).problems).toEqual([]);
  expect(reportObjects(sampleContext(services.slice(1)), images).problems).toEqual([
    { location: "file: patches.0", message: "no service has the kind Service; correct it, or remove the patch" },
  ]);
});
