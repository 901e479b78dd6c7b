import { beforeAll, expect, test } from "vitest";
import { errorMessage } from "../../../core/error.ts";
import { initialRecord } from "../../../git/release-record.ts";
import { asProgramConfig, readStackFile } from "../../../stacks/stack-file.ts";
import { stackSecrets, type DeclaredResources } from "../../support/declared-stack.ts";
import { openMockEngine, runProgram } from "../../support/mock-engine.ts";
import { withSampleRelease } from "../../support/sample-release.ts";

const ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const clusters = [
  { name: "us", wave: 1, context: "acme-us", server: "https://us.example:6443", token: "us-token" },
  { name: "eu", wave: 2, context: "acme-eu", server: "https://eu.example:6443", token: "eu-token", ca },
];

/** All that the staging stack declares on these clusters. */
async function declared(more: Record<string, unknown>): Promise<DeclaredResources> {
  const settings = withSampleRelease(readStackFile("staging"));
  const secrets = { ...stackSecrets.secrets, "us-token": "value-of-us-token", "eu-token": "value-of-eu-token" };
  const given = Object.entries({ ...stackSecrets, secrets, gitToken: "value-of-git-token" });
  const keyed = Object.fromEntries(given.map(([key, value]) => [`delivery:${key}`, value]));
  const ci = Object(settings["delivery:ci"]);
  const environment = { ...Object(ci.environment), DELIVERY_KUBECONFIG: "deploy-token" };
  const engine = await openMockEngine("staging", {
    values: asProgramConfig({
      ...settings,
      ...keyed,
      "delivery:cluster": withoutAdmission(settings["delivery:cluster"]),
      "delivery:ci": { ...ci, environment },
      "delivery:verify": { minutes: 5 },
      ...more,
    }),
    secretKeys: Object.keys(keyed),
  });
  await runProgram();
  return engine.resources();
}

/** It would hold on one cluster alone. */
function withoutAdmission(cluster: unknown): unknown {
  return Object.fromEntries(Object.entries(Object(cluster)).filter(([key]) => key !== "admission"));
}

const named = (end: string): Record<string, unknown> => {
  const [found, ...others] = Object.entries(resources).filter(([urn]) => urn.endsWith(end));
  if (found === undefined || others.length > 0) throw new Error(`not one resource ${end}`);
  return found[1];
};
const count = (part: string): number => Object.keys(resources).filter((urn) => urn.includes(part)).length;

let resources: DeclaredResources;
beforeAll(async () => {
  resources = await declared({ "delivery:clusters": clusters });
});

test("each cluster has the namespace, its pods' Secrets, an AppProject, and an Application per service", () => {
  expect(named("Namespace::delinkcious.eu")).toMatchObject({ metadata: { name: "delinkcious-staging" } });
  expect(named("pulumi:providers:kubernetes::delinkcious.eu")).toMatchObject({ context: "acme-eu" });
  for (const service of ["link", "user"])
    expect(named(`Secret::${service}@eu`)).toMatchObject({ metadata: { name: `${service}-secrets` } });
  expect(named("Secret::registry-credentials.eu")).toMatchObject({ metadata: { name: "registry-credentials" } });
  expect(named("v1alpha1:AppProject::delinkcious-staging.eu")).toMatchObject({
    spec: { destinations: [{ server: "https://eu.example:6443", namespace: "delinkcious-staging" }] },
  });
  const applications = Object.keys(resources).filter((urn) => urn.includes("v1alpha1:Application::"));
  const own = applications.filter((urn) => !urn.includes("@"));
  expect(own.length).toBeGreaterThan(3);
  expect(applications).toHaveLength(3 * own.length);
});

test("all clusters of a wave follow one directory, the first one that of the environment", () => {
  const source = (application: string): unknown => named(`Application::${application}`)["spec"];
  expect(source("link")).toMatchObject({
    source: { path: "staging/link" },
    destination: { server: "https://kubernetes.default.svc" },
  });
  expect(source("link@us")).toMatchObject({
    project: "delinkcious-staging.us",
    source: { path: "staging/link" },
    destination: { server: "https://us.example:6443", namespace: "delinkcious-staging" },
  });
  expect(source("link@eu")).toMatchObject({
    project: "delinkcious-staging.eu",
    source: { path: "staging.wave-2/link" },
    destination: { server: "https://eu.example:6443", namespace: "delinkcious-staging" },
  });
  expect(named("Application::link@eu")["metadata"]).toMatchObject({ name: "delinkcious-staging.eu-link" });
  expect(count("delivery:GitManifests::")).toBe(2);
});

test("a later wave has the same manifests, and runs nothing until the one before has proved it", () => {
  const [own, wave] = ["delinkcious", "delinkcious.wave-2"].map((name) => named(`GitManifests::${name}`));
  const files = (of: Record<string, unknown> | undefined): Record<string, string> => Object(of?.["files"]);
  const moved = Object.entries(files(own)).map(([path, text]) => [path.replace(/^staging/, "staging.wave-2"), text]);
  expect(files(wave)).toEqual(Object.fromEntries(moved));
  expect(wave).toMatchObject({ directory: "staging.wave-2" });
  expect(Object(wave?.["records"])["staging.wave-2/link/release/kustomization.yaml"]).toBe(initialRecord("link"));
});

test("Argo CD knows each cluster by a Secret that is good for its project and namespace alone", () => {
  const { metadata, stringData } = named("Secret::delinkcious-staging.eu-cluster");
  expect(metadata).toMatchObject({
    name: "delinkcious-staging.eu-cluster",
    labels: { "argocd.argoproj.io/secret-type": "cluster" },
  });
  // A secret arrives at the engine in its envelope.
  const data = Object(Object(stringData).value);
  expect(data).toMatchObject({
    name: "delinkcious-staging.eu",
    server: "https://eu.example:6443",
    project: "delinkcious-staging.eu",
    namespaces: "delinkcious-staging",
    clusterResources: "false",
  });
  expect(JSON.parse(data.config)).toEqual({
    bearerToken: "value-of-eu-token",
    tlsClientConfig: { insecure: false, caData: Buffer.from(ca).toString("base64") },
  });
});

test("a token is nowhere else", () => {
  const others = Object.entries(resources).filter(([urn]) => !urn.endsWith("-cluster"));
  expect(JSON.stringify(others)).not.toContain("value-of-eu-token");
});

test("a token that is no secret of the stack is missing, and migrations are refused", async () => {
  const lost = [{ ...clusters[0], token: "no-such" }];
  const error = await declared({ "delivery:clusters": lost }).then(() => "", errorMessage);
  expect(error).toMatch(/clusters\.0\.token: there is no secret "no-such"; set it with `pulumi config set --secret/);
  const migrations = { command: ["/app", "migrate"] };
  const services = { link: { migrations } };
  const refusal = await declared({ "delivery:clusters": clusters, "delivery:services": services }).then(
    () => "",
    errorMessage,
  );
  expect(refusal).toMatch(/whether a migration has succeeded is asked of one cluster, and the environment has several/);
});
