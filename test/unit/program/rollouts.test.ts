import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { asProgramConfig, readStackFile } from "../../../stacks/stack-file.ts";
import { stackSecrets, type DeclaredResources } from "../../support/declared-stack.ts";
import { openMockEngine, runProgram } from "../../support/mock-engine.ts";
import { withSampleRelease } from "../../support/sample-release.ts";

/** As much as the program asks for of a release of Argo Rollouts. */
const release = ["rollouts", "analysistemplates"]
  .map((plural) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.argoproj.io` },
    spec: { group: "argoproj.io", scope: "Namespaced", names: { kind: plural, plural }, versions: [] },
  }))
  .concat([
    Object({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "argo-rollouts" }, spec: { template: {} } }),
  ]);
const directory = mkdtempSync(join(tmpdir(), "rollouts-release-"));
const file = join(directory, "install.json");

beforeAll(() => writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: release })));
afterAll(() => rmSync(directory, { recursive: true }));

const canary = { strategy: "canary", steps: [{ weight: 50, pause: "1m" }] };

/** All that the dev stack declares with these settings of Argo Rollouts, and one service that has a rollout. */
async function declared(rollouts: unknown, rollout: object = canary, more: object = {}): Promise<DeclaredResources> {
  const settings = withSampleRelease(readStackFile("dev"));
  const gitops = { ...Object(settings["delivery:gitops"]), rollouts };
  const services = { ...Object(settings["delivery:services"]), link: { replicas: 2, rollout, ...more } };
  const secrets = Object.fromEntries(Object.entries(stackSecrets).map(([key, value]) => [`delivery:${key}`, value]));
  const gitToken = { "delivery:gitToken": "token-of-git", "delivery:githubToken": "token-of-github" };
  const engine = await openMockEngine("dev", {
    values: asProgramConfig({
      ...settings,
      "delivery:gitops": gitops,
      "delivery:services": services,
      ...secrets,
      ...gitToken,
    }),
    secretKeys: [...Object.keys(secrets), ...Object.keys(gitToken)],
  });
  await runProgram();
  return engine.resources();
}

const named = (resources: DeclaredResources, end: string): Record<string, unknown> => {
  const [found, ...others] = Object.entries(resources).filter(([urn]) => urn.endsWith(end));
  if (found === undefined || others.length > 0) throw new Error(`not one resource ${end}`);
  return found[1];
};
const installed = (resources: DeclaredResources): string[] =>
  Object.keys(resources).filter((urn) => urn.includes("delivery:gitops:ArgoRollouts"));

test("Argo Rollouts is installed by the stack that installs Argo CD, and its kinds are allowed and synced", async () => {
  const resources = await declared({ manifests: file });
  expect(installed(resources)).toHaveLength(1 + 1 + release.length);
  expect(named(resources, "Deployment::argo-rollouts:argo-rollouts/argo-rollouts")).toBeDefined();
  const kind = { group: "argoproj.io", kind: "Rollout" };
  expect(named(resources, "argoproj.io/v1alpha1:AppProject::delinkcious-dev")).toMatchObject({
    spec: { namespaceResourceWhitelist: expect.arrayContaining([kind]) },
  });
  expect(named(resources, "Application::link")).toMatchObject({
    spec: { syncPolicy: { syncOptions: ["ServerSideApply=true", "PrunePropagationPolicy=background"] } },
  });
  const { files } = Object(named(resources, "GitManifests::delinkcious"));
  expect(Object.keys(files).filter((path) => /^dev\/link\/(rollout|deployment)/.test(path))).toEqual([
    "dev/link/rollout.yaml",
  ]);
});

test("where it exists, it is used", async () => {
  const resources = await declared("existing");
  expect(installed(resources)).toEqual([]);
  expect(Object.keys(Object(named(resources, "GitManifests::delinkcious").files))).toContain("dev/link/rollout.yaml");
});

test("where requests are moved by Services, Argo CD leaves these to Argo Rollouts, and nothing else of them", async () => {
  const measured = { prometheus: "http://metrics:9090", count: 3, metrics: { errors: { query: "x", max: 1 } } };
  const resources = await declared("existing", { strategy: "blueGreen", prePromotionAnalysis: measured });
  const jsonPointers = ["/spec/selector/rollouts-pod-template-hash"];
  expect(named(resources, "Application::link")).toMatchObject({
    spec: {
      ignoreDifferences: [
        { kind: "Service", name: "link", jsonPointers },
        { kind: "Service", name: "link-preview", jsonPointers },
      ],
      syncPolicy: {
        syncOptions: ["ServerSideApply=true", "RespectIgnoreDifferences=true", "PrunePropagationPolicy=background"],
      },
    },
  });
  expect(named(resources, "Application::user")).not.toHaveProperty("spec.ignoreDifferences");
  expect(named(resources, "argoproj.io/v1alpha1:AppProject::delinkcious-dev")).toMatchObject({
    spec: { namespaceResourceWhitelist: expect.arrayContaining([{ group: "argoproj.io", kind: "AnalysisTemplate" }]) },
  });
});

test("where the Gateway splits requests, Argo CD leaves the weights to Argo Rollouts", async () => {
  const rollout = { ...canary, router: "gateway" };
  const resources = await declared("existing", rollout, { expose: true, replicas: 1 });
  const selector = { kind: "Service", jsonPointers: ["/spec/selector/rollouts-pod-template-hash"] };
  expect(named(resources, "Application::link")).toMatchObject({
    spec: {
      ignoreDifferences: [
        { ...selector, name: "link" },
        { ...selector, name: "link-canary" },
        {
          group: "gateway.networking.k8s.io",
          kind: "HTTPRoute",
          name: "link",
          jqPathExpressions: [".spec.rules[].backendRefs[]?.weight"],
        },
      ],
      syncPolicy: { syncOptions: ["ServerSideApply=true", "PrunePropagationPolicy=background"] },
    },
  });
});

test("without it, nothing is declared", async () => {
  await expect(declared(undefined)).rejects.toThrow(
    /services\.link\.rollout: Argo Rollouts is to be on the cluster; set gitops\.rollouts of stacks\/Pulumi\.dev\.yaml to \{\}/,
  );
});
