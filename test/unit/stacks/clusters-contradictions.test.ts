import { expect, test } from "vitest";
import { clusterContradictions } from "../../../stacks/clusters-contradictions.ts";
import { stackSchema } from "../../../stacks/schema.ts";

const eu = { name: "eu", wave: 2, context: "eu", server: "https://eu.example:6443", token: "eu-token" };
const us = { ...eu, name: "us", context: "us", server: "https://us.example:6443" };

function settings(more: Record<string, unknown>): unknown {
  return {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    images: { organization: "acme", username: "acme-ci", source: "registry" },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
    cluster: { context: "own" },
    gitops: { repository: "https://git.example/acme/deploy.git" },
    verify: {},
    clusters: [eu, us],
    ...more,
  };
}

function problems(more: Record<string, unknown>): string[] {
  return clusterContradictions("file", stackSchema.parse(settings(more))).map(
    ({ location, message }) => `${location}: ${message}`,
  );
}

test("clusters in waves without a gap are fine, several of them in one wave, too", () => {
  expect(problems({})).toEqual([]);
  expect(problems({ clusters: [{ ...eu, wave: 1 }], verify: undefined })).toEqual([]);
  expect(problems({ clusters: undefined, delivery: "direct", cluster: { admission: { action: "audit" } } })).toEqual(
    [],
  );
});

test.each([
  [{ clusters: [eu, { ...us, name: "eu" }] }, /^file: clusters\.1\.name: "eu": is that of clusters\.0, too/],
  [{ clusters: [eu, { ...us, context: "eu" }] }, /^file: clusters\.1\.context: "eu": is that of clusters\.0, too/],
  [
    { clusters: [eu, { ...us, server: eu.server }] },
    /^file: clusters\.1\.server: "https:\/\/eu.*: is that of clusters\.0/,
  ],
  [{ clusters: [{ ...eu, context: "own" }] }, /^file: clusters\.0\.context: "own": is the environment's own cluster/],
  [
    { clusters: [{ ...eu, server: "https://kubernetes.default.svc" }] },
    /^file: clusters\.0\.server: .*is where Argo CD finds its own cluster/,
  ],
  [{ clusters: [eu, { ...us, wave: 4 }] }, /^file: clusters\.1\.wave: 4: no cluster is in wave 3; number the waves/],
  [
    { verify: undefined, clusters: [eu] },
    /^file: clusters\.0\.wave: 2: eu gets what has proved itself .* set `verify`/,
  ],
  [{ delivery: "direct" }, /^file: clusters: delivery direct applies the workloads to one cluster/],
  [
    { gitops: { repository: "https://git.example/d.git", release: "registry-watch" } },
    /^file: clusters: Argo CD Image Updater.* knows no waves/,
  ],
  [
    { gitops: { repository: "https://git.example/d.git", rollouts: {} } },
    /^file: gitops\.rollouts: this program installs Argo Rollouts on the environment's own cluster alone/,
  ],
  [
    { images: { organization: "acme", username: "acme-ci", source: "build" } },
    /^file: images\.source: build: this program releases what it builds at once/,
  ],
  [
    { cluster: { context: "own", admission: { action: "audit" } } },
    /^file: cluster\.admission: would hold on the environment's own cluster alone/,
  ],
])("%j is refused, with what to do", (more, message) => {
  expect(problems(more)).toEqual([expect.stringMatching(message)]);
});

test.each([
  [{ name: "in-cluster" }, /what Argo CD calls its own cluster/],
  [{ name: "EU" }, /lower case letters/],
  [{ wave: 0 }, /at least 1/],
  [{ wave: 1.5 }, /whole number/],
  [{ server: "http://eu.example" }, /URL of the API server/],
  [{ server: "https://eu.example/" }, /must not end with a slash/i],
  [{ ca: "MIIB" }, /certificate as PEM/],
  [{ password: "x" }, /password/],
])("a cluster with %j is none", (more, message) => {
  const { error } = stackSchema.safeParse(settings({ clusters: [{ ...eu, ...more }] }));
  expect(JSON.stringify(error?.issues)).toMatch(message);
});
