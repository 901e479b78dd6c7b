import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { command as drift } from "../../../../cli/commands/drift.ts";
import { errorMessage } from "../../../../core/error.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { runningService } from "../../../support/sample-running-service.ts";

const digest = `sha256:${"1".repeat(64)}`;
const program = process.cwd();

let directory: string;
let cluster: KubernetesStandIn;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "drift-"));
  mkdirSync(join(directory, "stacks"));
  process.chdir(directory);
  mkdirSync("bin");
  symlinkSync(execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim(), "bin/git");
  writeFileSync("Pulumi.yaml", "name: delivery\nruntime: nodejs\n");
  const config = {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    images: { organization: "acme", username: "acme-ci", source: "registry" },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10", host: "http://127.0.0.1:9/api/v2" },
    // Nothing listens there.
    gitops: { repository: "http://127.0.0.1:9/deploy.git" },
  };
  const keyed = Object.fromEntries(Object.entries(config).map(([key, value]) => [`delivery:${key}`, value]));
  writeFileSync("stacks/Pulumi.dev.yaml", stringify({ config: keyed }));
});
afterAll(() => {
  process.chdir(program);
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  cluster = await KubernetesStandIn.start();
  cluster.writeKubeconfig("kubeconfig");
  const { application, deployment } = runningService("link", digest, "2026-01-01T10:00:00Z");
  cluster.lists.set("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications", [application]);
  cluster.lists.set("/apis/apps/v1/namespaces/shop-dev/deployments", [deployment]);
  // A machine without the Pulumi CLI.
  vi.stubEnv("PATH", join(directory, "bin"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await cluster[Symbol.asyncDispose]();
});

async function run(...args: string[]): Promise<{ output: string; error: string }> {
  const lines: string[] = [];
  const error = await drift
    .run(args, {
      environment: { KUBECONFIG: join(directory, "kubeconfig"), CIRCLE_TOKEN: "hunter2" },
      print: (line) => lines.push(line),
      note: () => undefined,
      input: async () => "",
      signal: new AbortController().signal,
    })
    .then(
      () => "",
      (reason: unknown) => errorMessage(reason),
    );
  return { output: lines.join("\n"), error };
}

test("where nothing can be asked, drift is unknown, which is no success", async () => {
  const { output, error } = await run("--env", "dev");
  expect(error).toBe("dev: drift is unknown: Stack, Git, Cluster, CircleCI could not be asked");
  expect(output.split("\n")).toEqual([
    "shop · dev · drift",
    "",
    expect.stringMatching(/^\? Stack {5}unknown: the Pulumi CLI is missing; install /),
    expect.stringMatching(/^\? Git {7}unknown: http:\/\/127\.0\.0\.1:9\/deploy\.git cannot be reached/),
    expect.stringMatching(
      /^\? Cluster {3}unknown: what is to run is not known .*; which objects are extra is not known/,
    ),
    expect.stringMatching(/^\? CircleCI {2}unknown: the stack's state cannot be read: the Pulumi CLI is missing/),
  ]);
});

test("what is found counts, whatever else cannot be asked", async () => {
  const { application, deployment } = runningService("link", digest, "2026-01-01T10:00:00Z");
  cluster.lists.set("/apis/apps/v1/namespaces/shop-dev/deployments", [
    { ...deployment, status: { ...Object(deployment["status"]), availableReplicas: 0 } },
  ]);
  cluster.lists.set("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications", [
    { ...application, spec: { project: "shop-dev" } },
  ]);
  const { output, error } = await run("--env", "dev", "--look", "cluster", "--look", "ci", "--json");
  expect(error).toBe("dev has drifted: 2 differences in Cluster; CircleCI could not be asked");
  expect(JSON.parse(output)).toMatchObject({
    app: "shop",
    environment: "dev",
    drift: "found",
    looks: [
      {
        look: "cluster",
        state: "found",
        findings: [
          { what: "Application shop-dev-link", change: expect.stringContaining("does not heal itself") },
          { what: "Deployment link", change: "is Progressing: 0 of 1 new pods are available" },
        ],
      },
      { look: "ci", state: "unknown", findings: [] },
    ],
  });
  expect(output).not.toContain("hunter2");
});

test.each<[fault: string, args: string[], reason: RegExp]>([
  ["no environment", [], /^--env is missing$/],
  ["an environment without stack file", ["--env", "qa"], /^there is no stacks\/Pulumi\.qa\.yaml in /],
  ["a path", ["--env", "../dev"], /is not the name of an environment$/],
  ["a look that is none", ["--env", "dev", "--look", "disk"], /^--look "disk": there are stack, git, cluster, ci$/],
])("refuses %s", async (_fault, args, reason) => {
  expect((await run(...args)).error).toMatch(reason);
});
