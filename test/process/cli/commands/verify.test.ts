import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Command } from "../../../../cli/command.ts";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { command as rollback } from "../../../../cli/commands/rollback.ts";
import { command as verify } from "../../../../cli/commands/verify.ts";
import { Project } from "../../../../cli/project/stack-file.ts";
import { metricsCheck } from "../../../../cli/verification/metrics-check.ts";
import { rulesOf } from "../../../../cli/verification/rules.ts";
import { errorMessage } from "../../../../core/error.ts";
import {
  initialRecord,
  parseRecord,
  recordPath,
  recordWith,
  type ReleasedImage,
  type ReleaseRecord,
} from "../../../../git/release-record.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { circleCiAgent } from "../../../support/circleci-agent.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";
import { around } from "../../../support/sample-judgment.ts";
import { abortedRollout, analysisRun } from "../../../support/sample-rollout.ts";
import { runningService } from "../../../support/sample-running-service.ts";
import { writeStackSettings } from "../../../support/stack-settings.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;
const three = `sha256:${"3".repeat(64)}`;
const four = `sha256:${"4".repeat(64)}`;
const program = process.cwd();

let directory: string;
let repository: BareRepository;
let cluster: KubernetesStandIn;
/** What happens when the command has said something. */
let onNote: (line: string) => void;
/** What pods answer, by path. */
let answers: Record<string, number>;
let web: Server;
let metric: unknown;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "verify-"));
  mkdirSync(join(directory, "stacks"));
  for (const service of ["link", "user"]) {
    mkdirSync(join(directory, "svc", service), { recursive: true });
    writeFileSync(join(directory, "svc", service, "Dockerfile"), "FROM scratch\nEXPOSE 8080\n");
  }
  process.chdir(directory);
  web = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/api/v1/query") return response.end(JSON.stringify(metric));
    return response.writeHead(answers[pathname] ?? 404).end("ok");
  });
  await new Promise<void>((done) => void web.listen(0, "127.0.0.1", done));
});
afterAll(() => {
  web.close();
  process.chdir(program);
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  repository = new BareRepository();
  cluster = await KubernetesStandIn.start();
  cluster.writeKubeconfig(join(directory, "kubeconfig"));
  onNote = () => {};
  answers = {};
  declare({});
  declare(undefined, "staging");
  commit(60, { link: one, user: one });
});
afterEach(async () => {
  repository[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
});

const address = (): string => {
  // A listening server on TCP has such an address.
  const { port } = web.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
};

/** Writes the stack file of an environment. @param rules of `verify`; `undefined`: nothing has to prove itself */
function declare(
  rules: Record<string, unknown> | undefined,
  name = "dev",
  services: Record<string, unknown> = {},
): void {
  const config = {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    images: { organization: "acme", username: "acme-ci", source: "registry" },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
    gitops: { repository: "https://git.example/acme/deploy.git" },
    services,
    ...(rules && { verify: rules }),
  };
  writeStackSettings(directory, name, config);
}

function pinned(service: string, digest: string, more: Partial<ReleasedImage> = {}): string {
  return recordWith({ repository: `docker.io/acme/shop-${service}`, digest, ...more });
}

/** Somebody has released in dev, so many minutes ago. */
function commit(minutes: number, digests: Record<string, string>, more: Partial<ReleasedImage> = {}): void {
  const records = Object.entries(digests).map(([service, digest]) => [
    recordPath("dev", service),
    pinned(service, digest, more),
  ]);
  repository.commit(Object.fromEntries(records), "release", "main", Math.floor(Date.now() / 1000) - minutes * 60);
}

const pending = { verification: { state: "pending" } } as const;

/** What the cluster says: every service in it has been well for so many minutes. */
function runs(
  minutes: Record<string, number>,
  digests: Record<string, string>,
  change: (service: string, pod: JsonMap) => JsonMap[] = (_service, pod) => [pod],
): void {
  const services = Object.entries(minutes).map(([service, age]) => ({
    service,
    ...runningService(service, digests[service] ?? one, new Date(Date.now() - age * 60_000).toISOString()),
  }));
  cluster.lists.set(
    "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications",
    services.map(({ application }) => application),
  );
  cluster.lists.set(
    "/apis/apps/v1/namespaces/shop-dev/deployments",
    services.map(({ deployment }) => deployment),
  );
  cluster.lists.set(
    "/api/v1/namespaces/shop-dev/pods",
    services.flatMap(({ service, pod }) => change(service, pod)),
  );
  cluster.answer = (path) => {
    const [, asked] = /^\/api\/v1\/namespaces\/shop-dev\/pods\/\w+-1:8080\/proxy(\/.*)$/.exec(path) ?? [];
    return asked !== undefined && answers[asked] === 200 ? "ok" : undefined;
  };
}

interface Outcome {
  output: string;
  notes: string;
  /** Empty where it did not fail. */
  error: string;
}

async function run(command: Command, ...args: string[]): Promise<Outcome> {
  const lines: string[] = [];
  const notes: string[] = [];
  const error = await command
    .run(["--repository", repository.url, ...args], {
      environment: {
        PATH: process.env["PATH"],
        KUBECONFIG: join(directory, "kubeconfig"),
        CIRCLE_BUILD_URL: "https://ci.example/7",
      },
      print: (line) => lines.push(line),
      note: (line) => {
        notes.push(line);
        onNote(line);
      },
      input: async () => "",
      signal: new AbortController().signal,
    })
    .then(
      () => "",
      (reason: unknown) => errorMessage(reason),
    );
  return { output: lines.join("\n"), notes: notes.join("\n"), error };
}
const verified = (...args: string[]): Promise<Outcome> =>
  run(verify, "--env", "dev", "--wait", "0s", "--unverified", ...args);

function record(service: string, environment = "dev"): ReleaseRecord {
  const parsed = parseRecord("record", repository.files()[recordPath(environment, service)] ?? "");
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed;
}

describe("what has to prove itself", () => {
  test("is what `release` and `promote` release from then on, by the same commit; and not what a rollback brings back", async () => {
    await run(release, "--env", "dev", "--service", `link=${two}`, "--unverified");
    expect([record("link").verification, record("user").verification]).toEqual([{ state: "pending" }, undefined]);
    declare({}, "staging");
    repository.commit({ [recordPath("staging", "user")]: initialRecord("user") });
    await run(promote, "--from", "dev", "--to", "staging", "--service", "user", "--unverified");
    expect(record("user", "staging")).toMatchObject({ image: { digest: one }, verification: { state: "pending" } });
    await run(rollback, "--env", "dev", "--service", "link", "--unverified");
    expect(record("link")).toMatchObject({ image: { digest: one }, rejected: { digest: two } });
    expect(record("link").verification).toBeUndefined();
  });

  test("is nothing where the stack file does not ask for it, nor what says `none`, or is to have no pods", async () => {
    declare({}, "dev", { link: { verify: "none" }, user: { replicas: 0 } });
    await run(release, "--env", "dev", "--service", `link=${two}`, "--service", `user=${two}`, "--unverified");
    expect([record("link").verification, record("user").verification]).toEqual([undefined, undefined]);
    expect((await verified()).output).toBe("dev: nothing waits for a verdict");
  });
});

test("an image of a Rollout that may not be read keeps its place, and those of others get their verdicts", async () => {
  const rollout = { strategy: "blueGreen" };
  declare({}, "dev", { link: { rollout } });
  commit(60, { link: two, user: two }, pending);
  runs({ user: 4 }, { user: two });
  cluster.refused.add("/apis/argoproj.io/v1alpha1/namespaces/shop-dev/rollouts");
  const { error } = await verified();
  expect(error).toMatch(/^dev cannot be asked, so link has no verdict yet: refused by .*: forbidden$/);
  expect(record("link")).toMatchObject({ image: { digest: two }, verification: { state: "pending" } });
  expect(record("user").verification).toMatchObject({ state: "passed" });
});

describe("a Rollout that its own analysis has ended", () => {
  const rollouts = "/apis/argoproj.io/v1alpha1/namespaces/shop-dev/rollouts";
  const analysisRuns = "/apis/argoproj.io/v1alpha1/namespaces/shop-dev/analysisruns";
  const measurements = [{ phase: "Failed", value: "[0.2]" }];
  const ended = async (): Promise<Outcome> => {
    commit(5, { link: two }, pending);
    runs({}, {});
    cluster.lists.set(rollouts, [abortedRollout(two, new Date(Date.now() - 60_000).toISOString())]);
    cluster.lists.set(analysisRuns, [analysisRun([{ name: "errors", phase: "Failed", measurements }])]);
    return verified();
  };

  test("is taken back, and the record says which metric had which value, and what is good", async () => {
    expect((await ended()).error).toContain(
      "errors: 0.2 in place of at most 0.05, in 1 of 1 measurements; is Degraded",
    );
    expect(record("link")).toMatchObject({
      image: { digest: one },
      rejected: {
        digest: two,
        reason: expect.stringMatching(/^errors: 0\.2 in place of at most 0\.05, .*; is Degraded: RolloutAborted/),
        judgment: {
          verdict: "fail",
          score: 0,
          metrics: [{ metric: "errors", classification: "high", critical: true }],
        },
      },
    });
  });

  test("is taken back also where nobody may read what was measured", async () => {
    cluster.refused.add(analysisRuns);
    expect((await ended()).error).toMatch(/has failed: is Degraded: RolloutAborted/);
    expect(record("link")).toMatchObject({ image: { digest: one }, rejected: { digest: two } });
    expect(record("link").rejected?.judgment).toBeUndefined();
  });
});

describe("without the monorepo", () => {
  test("the stack file says by itself what a service has to prove, and whether", () => {
    const elsewhere = (services: Record<string, unknown>) => {
      writeStackSettings(directory, "dev", {
        schemaVersion: 2,
        app: { name: "shop", directory: "elsewhere" },
        verify: { minutes: 1 },
        defaults: { verify: { timeoutMinutes: 7 }, port: 8080 },
        services,
      });
      return rulesOf(new Project(), "dev");
    };
    const rules = elsewhere({
      link: { verify: { minutes: 3 }, rollout: { strategy: "blueGreen" } },
      user: { verify: "none" },
      news: { replicas: 0 },
    });
    expect(["link", "user", "news", "graph"].map((name) => rules(name))).toEqual([
      { minutes: 3, timeoutMinutes: 7, checks: [], port: 8080, hasRollout: true },
      undefined,
      undefined,
      { minutes: 1, timeoutMinutes: 7, checks: [], port: 8080, hasRollout: undefined },
    ]);
  });

  test("what has no Deployment may have a Rollout, and is not taken back where Rollouts may not be read", async () => {
    writeStackSettings(directory, "dev", {
      schemaVersion: 2,
      app: { name: "shop", directory: "elsewhere" },
      images: { organization: "acme", username: "acme-ci", source: "registry" },
      ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
      gitops: { repository: "https://git.example/acme/deploy.git" },
      verify: {},
    });
    commit(60, { link: two, user: two }, pending);
    runs({ user: 4 }, { user: two });
    cluster.refused.add("/apis/argoproj.io/v1alpha1/namespaces/shop-dev/rollouts");
    expect((await verified()).error).toMatch(/^dev cannot be asked, so link has no verdict yet: refused by/);
    expect(record("link")).toMatchObject({ image: { digest: two }, verification: { state: "pending" } });
    expect(record("user").verification).toMatchObject({ state: "passed" });
  });
});

test("where CircleCI lists deploys, an image is listed with its verdict, and not before", async () => {
  const agent = circleCiAgent(directory);
  vi.stubEnv("PATH", `${agent.directory}:${process.env["PATH"]}`);
  await run(release, "--env", "dev", "--service", `link=${two}`, "--unverified", "--deploy-markers");
  expect(agent.told()).toEqual([]);
  declare({ checks: [{ http: { path: "/healthz" } }] }, "dev", { link: { verify: { checks: [] } } });
  commit(5, { link: two, user: two }, { ...pending, sourceCommit: "0123456" });
  runs({ link: 4, user: 4 }, { link: two, user: two });
  vi.stubEnv("PATH", `${agent.directory}:${process.env["PATH"]}`);
  await verified("--deploy-markers");
  vi.unstubAllEnvs();
  const told = agent.told();
  const about = (service: string) => `--environment-name=dev --component-name=${service} --target-version=0123456`;
  expect(told.filter((line) => !line.includes("FAILED"))).toEqual([
    `run release plan dev-link ${about("link")}`,
    "run release update dev-link --status=SUCCESS",
    `run release plan dev-user ${about("user")}`,
  ]);
  expect(told.at(-1)).toMatch(/^run release update dev-user --status=FAILED --failure-reason=.*\/healthz/);
});

describe("an image that runs on all pods and is well", () => {
  test("passes, and the verdict stands beside the record: when, what was found, and where", async () => {
    commit(5, { link: two }, { ...pending, sourceCommit: "0123456" });
    runs({ link: 4 }, { link: two });
    const { output, error } = await verified();
    expect(error).toBe("");
    expect(output).toMatch(/^dev: link sha256:2{12} has passed: all pods have run it and been well since \d{4}-/);
    expect(record("link")).toMatchObject({
      image: { digest: two },
      sourceCommit: "0123456",
      verification: { state: "passed", at: expect.stringMatching(/^\d{4}-.*Z$/), link: "https://ci.example/7" },
    });
    expect(repository.subjects()[0]).toBe("verify(dev): link passed");
    expect((await verified()).output).toBe("dev: nothing waits for a verdict");
  });

  test("waits for as long as it is to, and passes in another run", async () => {
    declare({ minutes: 10 });
    commit(15, { link: two }, pending);
    runs({ link: 8 }, { link: two });
    const head = repository.git("rev-parse", "main");
    expect(await verified("--wait", "1m")).toMatchObject({
      error: "",
      output: expect.stringMatching(/no verdict yet, and the next .* to be so for 10 minutes$/),
    });
    expect(repository.git("rev-parse", "main")).toBe(head);
    runs({ link: 11 }, { link: two });
    expect((await verified()).output).toContain("has passed");
  });

  test("is waited for in the job where the time is near", async () => {
    declare({ minutes: 1 });
    commit(5, { link: two }, pending);
    runs({ link: 59.5 / 60 }, { link: two });
    expect((await verified("--wait", "1m")).output).toContain("has passed");
  });

  test.each([
    [
      "an old pod is left",
      (service: string, pod: JsonMap) => [
        pod,
        {
          ...runningService(service, one, "").pod,
          metadata: { name: "old", labels: { "app.kubernetes.io/name": service } },
        },
      ],
      /1 of 2 pods of another image: old/,
    ],
    ["there is no pod", () => [], /has no pod of sha256:2/],
  ])("does not where %s", async (_what, pods, reason) => {
    commit(5, { link: two }, pending);
    runs({ link: 4 }, { link: two }, pods);
    expect((await verified()).output).toMatch(reason);
    expect(record("link").verification).toEqual({ state: "pending" });
  });

  test("does not where the cluster still runs what was released before, however well that is", async () => {
    commit(5, { link: two }, pending);
    runs({ link: 50 }, { link: one });
    expect((await verified()).output).toMatch(/no verdict yet.*does not run sha256:2{12} yet/);
  });
});

describe("an image that fails", () => {
  const checks = [{ http: { path: "/healthz" } }];

  test("is taken back by one commit, with which it stays away, and why; others of the same release stay", async () => {
    declare({ checks });
    commit(5, { link: two, user: two }, { ...pending, sourceCommit: "0123456" });
    runs({ link: 4, user: 4 }, { link: two, user: two });
    const before = repository.git("rev-parse", "main");
    cluster.answer = (path) => (path.includes("/pods/user-1:8080/proxy/healthz") ? "ok" : undefined);
    const { error } = await verified();
    expect(error).toMatch(
      /^dev: link has not proved itself\n  link sha256:2{12} has failed: GET \/healthz of pod link-1: not found; taken back to sha256:1{12}$/,
    );
    expect(record("link")).toEqual({
      image: { repository: "docker.io/acme/shop-link", digest: one },
      rejected: {
        digest: two,
        sourceCommit: "0123456",
        reason: "GET /healthz of pod link-1: not found (https://ci.example/7)",
      },
    });
    expect(record("user")).toMatchObject({ image: { digest: two }, verification: { state: "passed" } });
    expect(repository.subjects().slice(0, 2)).toEqual([
      "verify(dev): user passed",
      "verify(dev): link sha256:222222222222 has failed, back to sha256:111111111111",
    ]);
    expect(repository.git("diff", "--name-only", before, "main~1")).toBe("dev/link/release/kustomization.yaml");
    // It is over: there is nothing to do again, and nothing to take back further.
    expect((await verified()).output).toBe("dev: nothing waits for a verdict");
  });

  test("does not come back by the next pipeline of its commit, and a release by hand has it prove itself again", async () => {
    declare({ checks });
    commit(5, { link: two }, { ...pending, sourceCommit: "0123456" });
    runs({ link: 4 }, { link: two });
    await verified();
    const again = await run(
      release,
      "--env",
      "dev",
      "--service",
      `link=${two}`,
      "--source-commit",
      "0123456",
      "--unverified",
    );
    expect(again).toMatchObject({
      error: "",
      output: "dev: nothing to change",
      notes: expect.stringContaining("stays as rolled back from"),
    });
    await run(release, "--env", "dev", "--service", `link=${two}`, "--unverified");
    expect(record("link")).toMatchObject({ image: { digest: two }, verification: { state: "pending" } });
  });

  test("because it is never ready is taken back once its time is over, and not before", async () => {
    const crashing = (_service: string, pod: JsonMap): JsonMap[] => [
      {
        ...pod,
        status: {
          phase: "Running",
          containerStatuses: [{ name: "link", restartCount: 3, state: { waiting: { reason: "CrashLoopBackOff" } } }],
        },
      },
    ];
    const notReady = (): void => {
      const digest = record("link").image?.digest ?? "";
      runs({ link: 4 }, { link: digest }, crashing);
      const { deployment } = runningService("link", digest, new Date().toISOString());
      cluster.lists.set("/apis/apps/v1/namespaces/shop-dev/deployments", [
        { ...deployment, status: { ...Object(deployment["status"]), availableReplicas: 0 } },
      ]);
    };
    commit(9, { link: two }, pending);
    notReady();
    expect(await verified()).toMatchObject({
      error: "",
      output: expect.stringContaining("is Progressing: 0 of 1 new pods are available"),
    });
    commit(11, { link: three }, pending);
    notReady();
    const { error } = await verified();
    expect(error).toMatch(
      /after 10 minutes, it is Progressing: 0 of 1 new pods are available; not ready: link-1 \(CrashLoopBackOff\); taken back to sha256:1{12}/,
    );
    // What was still waiting in between is passed over.
    expect(record("link")).toMatchObject({ image: { digest: one }, rejected: { digest: three } });
  });

  test("because the workload has given up is taken back at once, but not for what was said of the one before", async () => {
    const failed = (minutes: number): void => {
      runs({ link: 1 }, { link: two });
      const { deployment } = runningService("link", two, new Date().toISOString());
      const condition = {
        type: "Progressing",
        status: "False",
        reason: "ProgressDeadlineExceeded",
        message: "has timed out",
        lastUpdateTime: new Date(Date.now() - minutes * 60_000).toISOString(),
      };
      cluster.lists.set("/apis/apps/v1/namespaces/shop-dev/deployments", [
        { ...deployment, status: { ...Object(deployment["status"]), availableReplicas: 0, conditions: [condition] } },
      ]);
    };
    commit(5, { link: two }, pending);
    failed(7);
    expect((await verified()).error).toBe("");
    failed(1);
    expect((await verified()).error).toMatch(/has failed: is Degraded: has timed out; taken back to/);
  });

  test("because it does not stay well is taken back", async () => {
    declare({ minutes: 10 });
    commit(21, { link: two }, pending);
    runs({ link: 20 }, { link: two }, (_service, pod) => [
      {
        ...pod,
        status: {
          phase: "Running",
          containerStatuses: [
            {
              name: "link",
              restartCount: 2,
              state: { running: { startedAt: new Date(Date.now() - 60_000).toISOString() } },
            },
          ],
        },
      },
    ]);
    expect((await verified()).error).toMatch(
      /was not well for 10 minutes without a break; its containers were restarted 2 times/,
    );
  });

  test("while it is still to prove itself is not waited for to the end", async () => {
    declare({ minutes: 60, checks });
    commit(5, { link: two }, pending);
    runs({ link: 4 }, { link: two });
    expect((await verified()).error).toContain("taken back to sha256:111111111111");
  });

  test("and is the first of its service stays, and its record says what was found", async () => {
    declare({ checks });
    repository.commit({ [recordPath("dev", "news")]: pinned("news", one, pending) });
    runs({ news: 4 }, {});
    declare({ checks: [{ command: "exit 3" }] });
    expect((await verified()).error).toMatch(
      /`exit 3` ended with exit status 3; it still runs, since it is the first image/,
    );
    expect(record("news").verification).toMatchObject({
      state: "failed",
      evidence: "`exit 3` ended with exit status 3",
    });
  });

  test("in place of one that was taken back is not taken back any further", async () => {
    declare({ checks });
    commit(5, { link: two }, pending);
    runs({ link: 4 }, { link: two });
    await verified();
    runs({ link: 4 }, { link: one });
    const { error } = await verified("--service", "link");
    expect(error).toMatch(/it still runs, since it runs in place of sha256:2{12}, which was taken away before/);
    expect(record("link")).toMatchObject({
      image: { digest: one },
      rejected: { digest: two },
      verification: { state: "failed" },
    });
  });
});

describe("what ran before an image that fails", () => {
  /** Three images of the service, the last of which fails. */
  async function failing(registry: RegistryStandIn): Promise<Record<"oldest" | "older" | "bad", string>> {
    const push = (tag: string): string => registry.push("acme/shop-link", tag);
    const images = { oldest: push("1"), older: push("2"), bad: push("3") };
    declare({ checks: [{ http: { path: "/healthz" } }] });
    commit(9, { link: images.oldest });
    commit(8, { link: images.older });
    commit(5, { link: images.bad }, pending);
    runs({ link: 4 }, { link: images.bad });
    return images;
  }
  const judged = ({ host }: RegistryStandIn): Promise<Outcome> =>
    run(verify, "--env", "dev", "--wait", "0s", "--images", `${host}/acme/shop`);

  test("is passed over where the registry has lost a part of it, for what ran before that", async () => {
    await using registry = await RegistryStandIn.start();
    const { oldest, older, bad } = await failing(registry);
    registry.lose(older, "layer");
    expect((await judged(registry)).error).toContain(`taken back to ${oldest.slice(0, 19)}`);
    expect(record("link")).toMatchObject({
      image: { repository: `${registry.host}/acme/shop-link`, digest: oldest },
      rejected: { digest: bad },
    });
    expect(repository.git("log", "-1", "--format=%(trailers:key=Not-In-Registry,valueonly)")).toBe(older);
  });

  test("is nothing to go back to where the registry has lost all of it: the image stays, and it says what to do", async () => {
    await using registry = await RegistryStandIn.start();
    const { oldest, older, bad } = await failing(registry);
    registry.forget(oldest);
    registry.lose(older, "manifest");
    const { error } = await judged(registry);
    expect(error).toMatch(
      /it still runs, since the registry has lost the manifest sha256:\w{64} of 127\.0\.0\.1:\d+\/acme\/shop-link@sha256:\w{64}, all of it of .*, which it ran before: push it again or build it from its commit, and run `delivery rollback`, or release another image$/,
    );
    expect(record("link")).toMatchObject({ image: { digest: bad }, verification: { state: "failed" } });
  });

  test.each<[string, (registry: RegistryStandIn, images: Record<"older" | "bad", string>) => Promise<void>, RegExp]>([
    ["does not answer", (registry) => registry[Symbol.asyncDispose](), /cannot be reached/],
    ["lets nobody read", async (registry) => void registry.closed.add("acme/shop-link"), /does not let us read/],
    [
      "shows nothing of what runs either",
      async (registry, { older, bad }) => [older, bad].forEach((digest) => registry.forget(digest)),
      /shows us nothing of sha256:\w{12} either, which runs/,
    ],
  ])("runs again all the same where the registry %s, which is said", async (_what, change, said) => {
    const registry = await RegistryStandIn.start();
    const images = await failing(registry);
    const { host } = registry;
    await change(registry, images);
    const { error, notes } = await run(verify, "--env", "dev", "--wait", "0s", "--images", `${host}/acme/shop`);
    expect(notes).toMatch(said);
    expect(notes).toContain(`and link goes back to it all the same`);
    expect(error).toContain(`taken back to ${images.older.slice(0, 19)}`);
    if (!said.test("cannot be reached")) await registry[Symbol.asyncDispose]();
  });
});

describe("what was taken back", () => {
  /** As `verify` leaves it. */
  const takenBack = (digest: string, from: string, more: Partial<ReleasedImage> = {}): void => {
    const image = { repository: "docker.io/acme/shop-link", digest, ...more };
    repository.commit({ [recordPath("dev", "link")]: recordWith(image, { digest: from, reason: "it was bad" }) });
  };
  const rolledBack = (...args: string[]): Promise<Outcome> => run(rollback, "--env", "dev", "--unverified", ...args);

  test("is nothing that a rollback goes to: it goes on to what ran before, and there may be nothing", async () => {
    commit(5, { link: two }, pending);
    takenBack(one, two);
    expect((await rolledBack("--service", "link")).error).toMatch(/^link ran nothing before its last release/);
    commit(4, { link: three });
    commit(3, { link: four }, pending);
    takenBack(three, four, { rejectedBefore: [two] });
    expect((await rolledBack("--service", "link")).error).toBe("");
    expect(record("link")).toMatchObject({
      image: { digest: one },
      rejected: { digest: four, reason: "it was bad" },
      rejectedBefore: [two],
    });
  });

  test("stays away where a rollback of others goes to a commit at which it ran", async () => {
    commit(5, { link: two, user: two }, pending);
    commit(4, { user: three });
    takenBack(one, two);
    expect((await rolledBack()).output).toMatch(/user sha256:3{12} → sha256:2{12}/);
    expect([record("link").image?.digest, record("user").image?.digest]).toEqual([one, two]);
  });

  test("has to prove itself again where somebody names a commit at which it ran", async () => {
    const passed = { state: "passed", at: "2026-01-01T00:00:00.000Z", evidence: "well" } as const;
    commit(5, { link: two }, { verification: passed });
    const then = repository.git("rev-parse", "main");
    takenBack(one, two);
    await rolledBack("--to", then);
    expect(record("link")).toEqual({
      image: { repository: "docker.io/acme/shop-link", digest: two },
      ...pending,
    });
  });

  test("by several people, one after the other, is nothing that a rollback goes to either", async () => {
    for (const [index, digest] of [two, three, four].entries())
      commit(5 - index, { link: digest }, { sourceCommit: `000000${index}` });
    const back = async (...reason: string[]): Promise<string | undefined> => {
      await rolledBack("--service", "link", ...reason);
      return record("link").image?.digest;
    };
    expect([await back("--reason", "slow"), await back("--reason", "wrong")]).toEqual([three, two]);
    expect(record("link")).toMatchObject({ rejected: { digest: four, reason: "slow" }, rejectedBefore: [three] });
    expect(await back()).toBe(one);
  });

  test("has nothing to prove where the stack file does not ask for it any more", async () => {
    commit(5, { link: two }, pending);
    const then = repository.git("rev-parse", "main");
    takenBack(one, two);
    declare(undefined);
    await rolledBack("--to", then);
    expect(record("link")).toEqual({ image: { repository: "docker.io/acme/shop-link", digest: two } });
  });

  test("does not come back by the next pipeline, watcher or promotion after another one was taken back, or has passed", async () => {
    declare({}, "staging");
    const reason = "it was bad";
    const known = { repository: "docker.io/acme/shop-link", sourceCommit: "0000000", digest: one };
    repository.commit({
      [recordPath("dev", "link")]: recordWith(known, { digest: two, sourceCommit: "0123456", reason }),
      [recordPath("staging", "link")]: recordWith({ ...known, digest: three, rejectedBefore: [two] }),
    });
    const released = (digest: string, ...more: string[]): Promise<Outcome> =>
      run(release, "--env", "dev", "--service", `link=${digest}`, "--unverified", ...more);
    await released(three, "--source-commit", "1234567");
    expect(record("link")).toMatchObject({ image: { digest: three }, rejectedBefore: [two], ...pending });
    expect((await released(two, "--source-commit", "2345678")).notes).toContain(
      `link stays as rolled back from ${two.slice(0, 19)}`,
    );
    expect(record("link").image?.digest).toBe(three);
    declare({ checks: [{ http: { path: "/healthz" } }] });
    runs({ link: 4 }, { link: three });
    await verified();
    expect(record("link")).toMatchObject({
      image: { digest: one },
      rejected: { digest: three },
      rejectedBefore: [two],
    });
    await released(two, "--source-commit", "2345678");
    expect(record("link").image?.digest).toBe(one);
    // Whoever names it wants it.
    await released(two);
    expect(record("link")).toMatchObject({ image: { digest: two }, rejectedBefore: [three], ...pending });
    commit(1, { link: two });
    expect((await run(promote, "--from", "dev", "--to", "staging", "--unverified")).notes).toContain(
      `link of staging stays as rolled back from ${two.slice(0, 19)}; --service link promotes it all the same`,
    );
  });
});

describe("checks", () => {
  const passes = async (check: Record<string, unknown>): Promise<Outcome> => {
    declare({ checks: [check] });
    commit(5, { link: two }, pending);
    runs({ link: 4 }, { link: two });
    return verified();
  };
  const vector = (...values: string[]) => ({
    status: "success",
    data: { resultType: "vector", result: values.map((value) => ({ metric: {}, value: [1, value] })) },
  });

  test("a command knows what it is about", async () => {
    const outcome = await passes({
      command: `[ "$SERVICE $DELIVERY_ENVIRONMENT $DELIVERY_NAMESPACE $DELIVERY_DIGEST" = "link dev shop-dev ${two}" ]`,
    });
    expect(outcome.output).toMatch(/has passed: .*` has succeeded$/);
  });

  describe("a command that judges", () => {
    const judging = { metrics: { errors: { query: "errors", direction: "increase" } } };
    const measured = (canary: number) => ({
      from: "2026-11-30T12:00:00Z",
      to: "2026-11-30T12:05:00Z",
      metrics: { errors: { canary: around(canary), baseline: around(1) } },
    });
    const judgedBy = (canary: number): Promise<Outcome> => {
      writeFileSync(join(directory, "judged.json"), JSON.stringify({ ...judging, measured: measured(canary) }));
      return passes({
        command: `"${process.execPath}" "${join(program, "cli/delivery.js")}" judge --file judged.json`,
      });
    };
    const recorded = {
      pass: 95,
      marginal: 75,
      metrics: [{ metric: "errors", group: "errors", classification: "pass", critical: false }],
    };

    test("leaves its scores in the record, beside the verdict", async () => {
      expect((await judgedBy(1)).output).toContain("judge --file judged.json` has succeeded, score 100 of 100");
      expect(record("link").verification).toMatchObject({
        state: "passed",
        judgment: { ...recorded, verdict: "pass", score: 100, groups: [{ group: "errors", score: 100, weight: 100 }] },
      });
    });

    test("leaves them beside what was taken back for them", async () => {
      expect((await judgedBy(9)).error).toContain("ended with exit status 1, score 0 of 100");
      expect(record("link")).toMatchObject({
        image: { digest: one },
        rejected: {
          digest: two,
          judgment: {
            verdict: "fail",
            score: 0,
            metrics: [{ metric: "errors", group: "errors", classification: "high", critical: false }],
          },
        },
      });
      expect(record("link").verification).toBeUndefined();
    });

    test.each([
      [
        `echo '{"score": 100}' > "$DELIVERY_JUDGMENT"`,
        /left a judgment that is none \(DELIVERY_JUDGMENT: verdict: missing; must be pass/,
      ],
      [`head -c 200000 /dev/zero > "$DELIVERY_JUDGMENT"`, /left a judgment that is none \(more than 100000 bytes\)/],
    ])("does not pass with one that cannot be read: %s", async (command, message) => {
      expect((await passes({ command })).error).toMatch(message);
    });
  });

  test("every pod is asked at a path, and a URL with the service in it", async () => {
    answers = { "/readyz": 200 };
    expect((await passes({ http: { path: "/readyz" } })).output).toContain("GET /readyz of 1 pods: 200");
    answers = { "/link/x": 503 };
    const url = `${address()}/{service}/x`;
    expect((await passes({ http: { url, status: 503 } })).output).toContain("/link/x: 503");
    expect((await passes({ http: { url } })).error).toContain("503 in place of 200");
    expect((await passes({ http: { url, status: 503, contains: "well" } })).error).toContain('does not hold "well"');
  });

  test.each([
    [{ max: 0.05 }, vector("0.01", "0.02"), ""],
    [{ max: 0.05 }, vector("0.01", "0.2"), "0.2 in place of at most 0.05"],
    [{ min: 1 }, { status: "success", data: { resultType: "scalar", result: [1, "3"] } }, ""],
    [{ min: 1 }, vector(), "there are no data"],
    [{ max: 1 }, vector("NaN"), "NaN in place of at most 1"],
    [{ max: 1 }, { status: "error" }, "answers no instant vector or scalar"],
    [{ max: 1 }, "DOWN", "answers no instant vector or scalar"],
  ])("metrics within %j of %j: %s", async (limits, answer, problem) => {
    metric = answer;
    const { detail, passed } = await metricsCheck(
      { server: address(), query: 'errors{app="{service}"}', ...limits },
      {
        service: "link",
        namespace: "shop-dev",
        context: { environment: {}, note: () => {}, signal: new AbortController().signal },
      },
    );
    expect([passed, detail]).toEqual([
      problem === "",
      expect.stringMatching(new RegExp(`^metric errors\\{app="link"\\}: .*${problem}`)),
    ]);
  });

  test("metrics that fail take back", async () => {
    metric = vector();
    const { error } = await passes({ metrics: { server: address(), query: "up", min: 1 } });
    expect(error).toContain("metric up: there are no data; taken back to sha256:111111111111");
  });

  test("who may not ask pods has learnt nothing of them", async () => {
    cluster.refused.add("/api/v1/namespaces/shop-dev/pods/link-1:8080/proxy/");
    const { error } = await passes({ http: { path: "/" } });
    expect(error).toMatch(/^dev cannot be asked, so link has no verdict yet/);
    expect(record("link").verification).toEqual({ state: "pending" });
  });
});

test("a pod that answers as if the cluster refused it keeps no other service from its verdict", async () => {
  declare({ checks: [{ http: { path: "/readyz" } }] });
  commit(1, { link: two, user: two }, pending);
  runs({ link: 1, user: 1 }, { link: two, user: two });
  cluster.refused.add("/api/v1/namespaces/shop-dev/pods/link-1:8080/proxy/readyz");
  const { error } = await verified("--wait", "0s");
  expect(error).toMatch(/^dev cannot be asked, so link has no verdict yet/);
  expect(record("link")).toMatchObject({ image: { digest: two }, verification: { state: "pending" } });
  expect(record("user")).toMatchObject({ image: { digest: one }, rejected: { digest: two } });
});

describe("meanwhile", () => {
  test("another release supersedes: nothing is written of the one before, and the new one has its own verdict", async () => {
    declare({ minutes: 1 });
    commit(1, { link: two }, pending);
    runs({ link: 0 }, { link: two });
    onNote = () => {
      onNote = () => {};
      commit(0, { link: three }, pending);
    };
    const { output, error } = await verified("--wait", "2m");
    expect([output, error]).toEqual([`dev: link sha256:222222222222 is superseded by sha256:333333333333`, ""]);
    expect(record("link")).toMatchObject({ image: { digest: three }, verification: { state: "pending" } });
  });

  test("a waiter that is stopped has written nothing, and the next one goes on", async () => {
    declare({ minutes: 1 });
    commit(1, { link: two }, pending);
    runs({ link: 0 }, { link: two });
    const stop = new AbortController();
    const stopped = verify.run(["--repository", repository.url, "--env", "dev"], {
      environment: { PATH: process.env["PATH"], KUBECONFIG: join(directory, "kubeconfig") },
      print: () => {},
      note: () => stop.abort(),
      input: async () => "",
      signal: stop.signal,
    });
    await expect(stopped).rejects.toThrow(/interrupted; what has no verdict yet has none/);
    expect(record("link").verification).toEqual({ state: "pending" });
    runs({ link: 2 }, { link: two });
    expect((await verified()).output).toContain("has passed");
  });

  test("of two waiters one writes the verdict, and both say the same", async () => {
    declare({ checks: [{ http: { path: "/healthz" } }] });
    commit(5, { link: two, user: two }, pending);
    runs({ link: 4, user: 4 }, { link: two, user: two });
    const count = repository.subjects().length;
    const both = await Promise.all([verified("--wait", "1m"), verified("--wait", "1m")]);
    for (const { error } of both)
      expect(error).toMatch(
        /link sha256:2{12} has failed: .*; taken back to sha256:1{12}\n.*user sha256:2{12} has failed: .*; taken back to/,
      );
    expect(repository.subjects().length - count).toBe(2);
  });
});

describe("what has not proved itself", () => {
  beforeEach(() => {
    const files = ["link", "user"].map((service) => [recordPath("staging", service), initialRecord(service)]);
    repository.commit(Object.fromEntries(files));
  });

  test("is not promoted either where a rollback has brought it back", async () => {
    const verdict = { state: "failed", at: "2026-03-01T09:00:00.000Z", evidence: "GET /: 500" } as const;
    commit(5, { link: two }, { verification: verdict });
    commit(4, { link: three });
    await run(rollback, "--env", "dev", "--service", "link", "--unverified");
    expect(record("link")).toMatchObject({
      image: { digest: two },
      rejected: { digest: three },
      verification: verdict,
    });
    expect((await run(promote, "--from", "dev", "--to", "staging", "--unverified")).notes).toContain(
      "link is not promoted: sha256:222222222222 has not proved itself in dev",
    );
    expect(record("link", "staging").image).toBeUndefined();
  });

  test("is not promoted, and the others are; once it has, it is", async () => {
    commit(5, { link: two }, pending);
    const promoted = (): Promise<Outcome> => run(promote, "--from", "dev", "--to", "staging", "--unverified");
    expect(await promoted()).toMatchObject({
      error: "",
      notes: expect.stringContaining("link is not promoted: sha256:222222222222 has not proved itself in dev"),
    });
    expect([record("link", "staging").image, record("user", "staging").image?.digest]).toEqual([undefined, one]);
    runs({ link: 4 }, { link: two });
    await verified();
    await promoted();
    expect(record("link", "staging").image?.digest).toBe(two);
  });
});
