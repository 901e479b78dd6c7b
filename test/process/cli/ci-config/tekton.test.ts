import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tekton } from "../../../../cli/ci-config/tekton/tekton.ts";
import type { PipelineRun, PipelineTask } from "../../../../cli/ci-config/tekton/objects.ts";
import { pipelineRun, startingRuns } from "../../../../cli/ci-config/tekton/runs.ts";
import type { CommandContext } from "../../../../cli/command.ts";
import { errorMessage } from "../../../../core/error.ts";
import type { Pipeline, TriggerKind } from "../../../../cli/ci-config/pipeline.ts";
import { samplePipeline } from "../../../support/sample-pipeline.ts";

interface Run extends PipelineRun {
  readonly status?: { readonly conditions: readonly Readonly<Record<string, string>>[] };
}

/** An API server that has PipelineRuns, and no controller: a test says what comes of them. */
let runs: Map<string, Run>;
let requests: string[];
/** What a look at a run finds. @default it goes on */
let outcome: () => Readonly<Record<string, string>>;
let server: Server;
let abort: AbortController;
let printed: string[];

beforeEach(async () => {
  runs = new Map();
  requests = [];
  outcome = () => ({ status: "Unknown", reason: "Running" });
  abort = new AbortController();
  printed = [];
  server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const name = /\/pipelineruns\/([^/]+)$/.exec(pathname)?.[1] ?? "";
    requests.push(`${request.method} ${pathname}${searchParams.size > 0 ? `?${searchParams.toString()}` : ""}`);
    const answer = (body: unknown): void => void response.end(JSON.stringify(body));
    if (request.method === "POST") {
      const run = (await json(request)) as Run;
      const made = `${run.metadata.generateName}x1`;
      runs.set(made, run);
      return answer({ ...run, metadata: { ...run.metadata, name: made } });
    }
    if (request.method === "PATCH") return answer(await json(request).then((body) => (patched.push(body), body)));
    if (request.method === "DELETE" && gone.has(name)) {
      response.statusCode = 404;
      return answer({ kind: "Status", status: "Failure", reason: "NotFound", message: `${name} not found`, code: 404 });
    }
    if (request.method === "DELETE") return answer({ deleted: runs.delete(name) });
    if (name === "") return answer({ items: old });
    answer({ ...runs.get(name), status: { conditions: [{ type: "Succeeded", ...outcome() }] } });
  });
  old = [];
  gone = new Set();
  patched = [];
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});
let old: object[];
/** Those of them that somebody else has removed since they were listed. */
let gone: Set<string>;
let patched: unknown[];

function context(): CommandContext {
  // A listening server on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  const kubeconfig = {
    "current-context": "ci",
    contexts: [{ name: "ci", context: { cluster: "ci", user: "ci" } }],
    clusters: [{ name: "ci", cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: "ci", user: { token: "t" } }],
  };
  return {
    environment: { DELIVERY_KUBECONFIG: JSON.stringify(kubeconfig) },
    signal: abort.signal,
    input: () => Promise.resolve(""),
    note: () => undefined,
    print: (line) => void printed.push(line),
  };
}

const shop: Pipeline = {
  ...samplePipeline,
  services: [
    { name: "base", serviceContainers: [] },
    { name: "link", serviceContainers: [{ image: "cimg/postgres:17.5" }], bases: ["base"] },
  ],
};
const options = { ci: {}, commit: "1".repeat(40), branch: "main", repository: "https://github.com/acme/shop" };
const goOn = (pipeline: Pipeline = shop, problem?: string): Promise<string> =>
  tekton.continueRun({ pipeline, trigger: { kind: "deliver" }, problem }, options, context()).then(
    () => "",
    (error: unknown) => errorMessage(error),
  );
const namespace = "/apis/tekton.dev/v1/namespaces/shop-ci-deliver/pipelineruns";

test("a run goes on with another, in the namespace of its wall, and ends as that does", async () => {
  outcome = () => ({ status: "True", reason: "Succeeded", message: "Tasks Completed: 6" });
  expect(await goOn()).toBe("");
  expect(requests).toEqual([
    `GET ${namespace}?labelSelector=delivery%2Ftrigger%3Ddeliver`,
    `POST ${namespace}`,
    `GET ${namespace}/deliver-x1`,
  ]);
  expect(printed).toEqual(["PipelineRun shop-ci-deliver/deliver-x1", "Tasks Completed: 6"]);
  const [run] = [...runs.values()];
  expect(run?.spec.pipelineSpec.tasks.map(({ name, runAfter = [] }) => [name, runAfter.length])).toEqual([
    ["test-base", 0],
    ["test-link", 0],
    ["build-base", 0],
    ["build-link", 1],
    ["release-dev", 4],
    ["publish-state-dev", 1],
  ]);
});

test("a job that fails makes it fail, with Tekton's own sentence", async () => {
  outcome = () => ({ status: "False", reason: "Failed", message: "Tasks Completed: 2 (Failed: 1, Cancelled 0)" });
  expect(await goOn()).toBe("the run has failed: Failed: Tasks Completed: 2 (Failed: 1, Cancelled 0)");
});

test("whoever is interrupted cancels what it has started", async () => {
  outcome = () => {
    abort.abort();
    return { status: "Unknown" };
  };
  expect(await goOn()).toBe("interrupted");
  expect(patched).toEqual([{ spec: { status: "Cancelled" } }]);
});

test("runs that have ended are removed but for the newest twenty, and none that goes on", async () => {
  outcome = () => ({ status: "True" });
  const run = (index: number, status: string) => ({
    metadata: { name: `deliver-${index}`, creationTimestamp: `2026-01-01T00:00:${String(index).padStart(2, "0")}Z` },
    status: { conditions: [{ type: "Succeeded", status }] },
  });
  old = [run(0, "Unknown"), ...Array.from({ length: 23 }, (_, index) => run(index + 1, "True"))];
  await goOn();
  expect(requests.filter((request) => request.startsWith("DELETE"))).toEqual(
    ["deliver-3", "deliver-2", "deliver-1"].map((name) => `DELETE ${namespace}/${name}`),
  );
});

test("runs that another has removed meanwhile are in nobody's way", async () => {
  outcome = () => ({ status: "True", reason: "Succeeded", message: "all is well" });
  old = Array.from({ length: 22 }, (_, index) => ({
    metadata: { name: `deliver-${index}`, creationTimestamp: `2026-01-01T00:00:${String(index).padStart(2, "0")}Z` },
    status: { conditions: [{ type: "Succeeded", status: "True" }] },
  }));
  gone = new Set(["deliver-1"]);
  expect(await goOn()).toBe("");
  expect(requests.filter((request) => request.startsWith("DELETE"))).toHaveLength(2);
  expect(printed.at(-1)).toBe("all is well");
});

test("where nothing has changed, none is started; where the files are stale, it fails", async () => {
  expect(await goOn({ ...shop, services: [] })).toBe("");
  expect(await goOn(shop, ".tekton/delivery.yaml is stale")).toBe(".tekton/delivery.yaml is stale");
  expect(requests).toEqual([]);
});

const source = {
  repository: "https://github.com/acme/shop",
  commit: "1".repeat(40),
  branch: "main",
  secret: "checkout",
  values: { commit: "1".repeat(40), number: "7", pullRequest: "12" },
};

test("a job sees the Secrets of its contexts, and no token of the cluster; only the checkout sees that of the repository", () => {
  const { spec } = pipelineRun("deliver", shop, source);
  expect(spec.taskRunTemplate.podTemplate.automountServiceAccountToken).toBe(false);
  const secrets = spec.pipelineSpec.tasks.map(({ name, taskSpec: { steps } }) => [
    name,
    [...new Set(steps.flatMap(({ envFrom = [] }) => envFrom.map(({ secretRef }) => secretRef.name)))].join(),
  ]);
  expect(Object.fromEntries(secrets)).toEqual({
    "test-base": "",
    "test-link": "",
    "build-base": "shop-build",
    "build-link": "shop-build",
    "release-dev": "shop-dev",
    "publish-state-dev": "shop-dev",
  });
  for (const { taskSpec } of spec.pipelineSpec.tasks)
    expect(
      taskSpec.steps
        .filter(({ volumeMounts = [] }) => volumeMounts.some(({ name }) => name === "checkout"))
        .map(({ name }) => name),
    ).toEqual(["checkout"]);
});

test("a builder runs beside the jobs that build, but where their context names another", () => {
  const sidecars = (pipeline: Pipeline, trigger: TriggerKind): readonly string[] =>
    pipelineRun(trigger, pipeline, source).spec.pipelineSpec.tasks.flatMap(({ name, taskSpec }) =>
      (taskSpec.sidecars ?? []).some((sidecar) => sidecar.name === "buildkit") ? [name] : [],
    );
  expect(sidecars(shop, "deliver")).toEqual(["build-base", "build-link"]);
  const named = { ...shop, contextVariables: { "shop-build": ["BUILDKIT_HOST"] } };
  expect(sidecars(named, "deliver")).toEqual([]);
  // Those of pull requests do not have that context.
  expect(sidecars(named, "review")).toEqual(["build-base", "build-link"]);
});

test("nodes get private images by the login for pulls, where there is one; jobs of forks have no Secret", () => {
  const template = (trigger: TriggerKind, pipeline: Pipeline) =>
    pipelineRun(trigger, pipeline, source).spec.taskRunTemplate.podTemplate.imagePullSecrets;
  const pulling = { ...shop, pullLogin: true };
  expect(template("deliver", pulling)).toEqual([{ name: "registry-credentials" }]);
  expect(template("review", pulling)).toEqual([{ name: "registry-credentials" }]);
  expect(template("review-of-fork", pulling)).toBeUndefined();
  expect(template("deliver", shop)).toBeUndefined();
  // What finds out what has changed is what the delivered branch says, also for forks.
  for (const { spec } of startingRuns(pulling, "main"))
    expect(spec.taskRunTemplate.podTemplate.imagePullSecrets).toEqual([{ name: "registry-credentials" }]);
});

test("runs that schedules start look for drift, and where something may wait, go on with that", () => {
  const scheduled = (pipeline: Pipeline) =>
    startingRuns(pipeline, "main").flatMap(({ metadata, spec }) => {
      const script = spec.pipelineSpec.tasks[0]?.taskSpec.steps[1]?.script ?? "";
      const isIncoming = metadata.annotations?.["pipelinesascode.tekton.dev/on-event"] === "[incoming]";
      return isIncoming ? [[metadata.generateName, / --drift .*$/.exec(script)?.[0]]] : [];
    });
  expect(scheduled(shop)).toEqual([["drift-", " --drift true"]]);
  expect(scheduled({ ...shop, resumes: true })).toEqual([
    ["drift-", " --drift true"],
    ["resume-", " --drift false --resume true"],
  ]);
});

test("what waits for nobody's volume has none: only files that were made for images are shared by one", () => {
  expect(pipelineRun("deliver", shop, source).spec.workspaces).toBeUndefined();
  const prepare = { command: "make", directory: "svc/base", context: "." };
  const { spec } = pipelineRun(
    "deliver",
    { ...shop, services: [{ ...shop.services[0]!, prepare }, ...shop.services.slice(1)] },
    source,
  );
  expect(spec.workspaces).toHaveLength(1);
  expect(spec.pipelineSpec.tasks.flatMap(({ name, workspaces = [] }) => (workspaces.length > 0 ? [name] : []))).toEqual(
    ["prepare-base", "build-base"],
  );
  // Else what makes files could leave digests for the build, of images that it has made up.
  const paths = spec.pipelineSpec.tasks.flatMap(({ taskSpec: { workspaces = [] } }) =>
    workspaces.map(({ mountPath }) => mountPath),
  );
  expect(new Set(paths)).toEqual(new Set(["/handed-over"]));
});

test("nothing in a job's volume is made before its first step: a container's runtime would make it as root's, and images have users", () => {
  const prepare = { command: "make", directory: "svc/base", context: "." };
  const services = [{ ...shop.services[0]!, prepare }, ...shop.services.slice(1)];
  const tasks = pipelineRun("deliver", { ...shop, services }, source).spec.pipelineSpec.tasks;
  const starting = startingRuns(shop, "main").flatMap(({ spec }) => spec.pipelineSpec.tasks);
  const specs = [...tasks, ...starting].map(({ taskSpec }) => taskSpec);
  expect(new Set(specs.flatMap(({ steps }) => steps.map((step) => step.workingDir)))).toEqual(new Set(["/workspace"]));
  const mounts = specs.flatMap(({ steps, workspaces = [] }) => [
    ...workspaces.map(({ mountPath }) => mountPath),
    ...steps.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ mountPath }) => mountPath)),
  ]);
  expect(mounts.filter((path) => path.startsWith("/workspace/"))).toEqual([]);
  // So the steps go to the checkout, which the first of them makes, and link there what is in another volume.
  for (const { steps, workspaces = [] } of specs) {
    const [first, ...later] = steps.map(({ script }) => script);
    expect(first).toContain("mkdir -p \"$HOME\" '/workspace/source'");
    expect(first?.endsWith("\nln -s /handed-over ../handed-over/prepared")).toBe(workspaces.length > 0);
    for (const script of later) expect(script).toMatch(/^#!.*\nset -eo pipefail\ncd '\/workspace\/source'\n/);
  }
});

test("a job may take as long as its run, and that of an event longer than what it waits for", () => {
  const all = [pipelineRun("deliver", shop, source), ...startingRuns(shop, "main")];
  expect(all.map(({ spec }) => spec.timeouts)).toEqual([
    { pipeline: "12h0m0s", tasks: "12h0m0s" },
    ...Array.from({ length: 4 }, () => ({ pipeline: "13h0m0s", tasks: "13h0m0s" })),
  ]);
});

test("what starts a run is also known where a comment asks for it, whose event has no pull request", () => {
  const expressions = startingRuns(shop, "main").map(({ metadata: { generateName, annotations = {} } }) => [
    generateName,
    annotations["pipelinesascode.tekton.dev/on-cel-expression"],
  ]);
  expect(Object.fromEntries(expressions)).toEqual({
    "deliver-": 'event == "push" && target_branch == "main"',
    "review-": 'event == "pull_request" && source_url == target_url',
    "forks-": 'event == "pull_request" && !(source_url == target_url)',
  });
});

test("the run of an event reads its token again: it waits for hours, and Kubernetes gives it another one each hour", () => {
  const account = "/var/run/secrets/kubernetes.io/serviceaccount";
  for (const { spec } of startingRuns(shop, "main")) {
    const script = spec.pipelineSpec.tasks[0]?.taskSpec.steps.at(-1)?.script ?? "";
    const [lines = ""] = /^account=[^]*^export DELIVERY_KUBECONFIG$/m.exec(script) ?? [];
    const { stdout, stderr } = spawnSync("bash", ["-euc", `${lines}\nprintf %s "$DELIVERY_KUBECONFIG"`], {
      encoding: "utf8",
      // By a socket as its input, bash takes itself for a remote shell, and reads what the machine has for those.
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect([stderr, JSON.parse(stdout)]).toEqual([
      "",
      {
        "current-context": "ci",
        contexts: [{ name: "ci", context: { cluster: "ci", user: "ci" } }],
        clusters: [
          {
            name: "ci",
            cluster: { server: "https://kubernetes.default.svc", "certificate-authority": `${account}/ca.crt` },
          },
        ],
        users: [{ name: "ci", user: { tokenFile: `${account}/token` } }],
      },
    ]);
  }
});

test("the run of an event that is cancelled has the time to cancel the one that it has started", async () => {
  const directory = mkdtempSync(join(tmpdir(), "tekton-"));
  try {
    // What is in the place of `delivery` takes half a second to cancel.
    mkdirSync(join(directory, "cli"));
    writeFileSync(
      join(directory, "cli", "delivery.js"),
      `const { writeFileSync } = require("node:fs");
      process.once("SIGTERM", () => setTimeout(() => { writeFileSync("cancelled", ""); process.exit(1); }, 500));
      setInterval(() => undefined, 1000);
      console.log(process.argv.slice(2).join(" "));`,
    );
    const script = startingRuns(shop, "main")[0]?.spec.pipelineSpec.tasks[0]?.taskSpec.steps.at(-1)?.script ?? "";
    const [lines = ""] = /^account=[^]*/m.exec(script) ?? [];
    // As Tekton starts it: the first process of a group, to all of which signals go.
    const environment = { ...process.env, DELIVERY_BRANCH: "main" };
    const step = spawn("bash", ["-c", lines], { cwd: directory, detached: true, env: environment });
    const ended = once(step, "exit");
    const [started] = (await once(step.stdout, "data")) as [Buffer];
    expect(String(started).trim()).toBe(
      "ci-config --env dev --continue --repository {{ repo_url }} --to {{ revision }} --branch main --drift false",
    );
    process.kill(-(step.pid ?? 0), "SIGTERM");
    await ended;
    expect(existsSync(join(directory, "cancelled"))).toBe(true);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

const manyServices = (count: number, name: (index: number) => string): Pipeline => ({
  ...shop,
  services: Array.from({ length: count }, (_, index) => ({ name: name(index), serviceContainers: [] })),
});

/** What the kubelet leaves of a step's last words: a part of 12 KB, the same for each container of the pod. */
function lastWords({ steps, sidecars = [] }: PipelineTask["taskSpec"]): number {
  const own = ["prepare", "place-scripts"];
  return Math.floor((12 * 1024) / (own.length + steps.length + sidecars.length));
}

test("where many services share jobs, the digests of each are no more than Kubernetes takes of a step", () => {
  const { spec } = pipelineRun(
    "deliver",
    manyServices(900, (index) => `service-of-shop-${index}`),
    source,
  );
  const builds = spec.pipelineSpec.tasks.filter(({ taskSpec }) => taskSpec.results !== undefined);
  const built = builds.map(({ taskSpec }) =>
    [...JSON.stringify(taskSpec.steps).matchAll(/--service (service-of-shop-\d+)/g)].map(([, name]) => name),
  );
  expect(built.map(({ length }) => length)).toContain(16);
  expect(new Set(built.flat()).size).toBe(900);
  for (const [index, { taskSpec }] of builds.entries()) {
    const digests = Object.fromEntries((built[index] ?? []).map((name) => [name, `sha256:${"a".repeat(64)}`]));
    const value = `${JSON.stringify(digests)}\n`;
    const time = { key: "StartedAt", value: "2026-12-01T00:00:00.000Z", type: 3 };
    expect(JSON.stringify([{ key: "digests", value, type: 1 }, time]).length).toBeLessThanOrEqual(lastWords(taskSpec));
  }
});

test("digests that would be cut off are refused before anything is built", async () => {
  expect(await goOn(manyServices(900, (index) => `a-service-with-a-long-name-${index}`))).toMatch(
    /^build-1-of-57: the digests of 16 images are \d+ bytes long, and Kubernetes takes 1755 of a step; change fewer /,
  );
  expect(requests).toEqual([]);
  const longest = "a-name-that-is-as-long-as-the-name-of-a-job-lets-it";
  const { spec } = pipelineRun(
    "deliver",
    manyServices(300, (index) => `${longest}-${index}`),
    source,
  );
  expect(spec.pipelineSpec.tasks.filter(({ name }) => name.startsWith("build-")).length).toBeLessThan(100);
});

test("dollar signs of a command reach its shell, and what Tekton would replace is refused", () => {
  const withScript = (testScript: string): Pipeline => ({
    ...samplePipeline,
    services: [{ name: "user", serviceContainers: [], testImage: "rust:1", testScript }],
  });
  const variable = (script: string) =>
    pipelineRun("review", withScript(script), source)
      .spec.pipelineSpec.tasks[0]?.taskSpec.steps.flatMap(({ env = [] }) => env)
      .find(({ name }) => name === "COMMAND")?.value;
  expect(variable("echo $$ $(date) $HOME")).toBe("echo $$$$ $$(date) $$HOME");
  expect(() => variable("echo $(params.revision)")).toThrow(/test-user: Tekton would replace "\$\(params\."/);
});

test("builds of a pull request know that they are none of the delivered branch, whatever it is called", async () => {
  outcome = () => ({ status: "True" });
  const run = {
    pipeline: { ...shop, previewEnvironments: true },
    trigger: { kind: "review-with-environment" },
  } as const;
  await tekton.continueRun(run, { ...options, branch: "it's$HOME" }, context());
  const [{ spec } = { spec: undefined }] = [...runs.values()];
  const build = spec?.pipelineSpec.tasks.find(({ name }) => name === "build-base");
  for (const { env = [] } of build?.taskSpec.steps ?? []) {
    expect(env).toContainEqual({ name: "DELIVERY_BRANCH", value: "it's$$HOME" });
    expect(env).toContainEqual({ name: "DELIVERY_COMMIT", value: options.commit });
  }
  expect(build?.taskSpec.steps.length).toBeGreaterThan(2);
});

test("every script is one that bash can read", () => {
  const [, functions] = tekton.files(shop);
  const tasks = pipelineRun("deliver", shop, source).spec.pipelineSpec.tasks;
  for (const script of [
    functions?.text ?? "",
    ...tasks.flatMap(({ taskSpec }) => taskSpec.steps.map((step) => step.script)),
  ])
    expect(spawnSync("bash", ["-n"], { input: script, encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
});
