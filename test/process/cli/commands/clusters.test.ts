import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Command } from "../../../../cli/command.ts";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { command as rollback } from "../../../../cli/commands/rollback.ts";
import { command as status } from "../../../../cli/commands/status.ts";
import { command as verify } from "../../../../cli/commands/verify.ts";
import { recentOutcomes } from "../../../../cli/verification/recent-outcomes.ts";
import { errorMessage } from "../../../../core/error.ts";
import {
  initialRecord,
  parseRecord,
  recordPath,
  recordWith,
  type ReleaseRecord,
} from "../../../../git/release-record.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { runningService } from "../../../support/sample-running-service.ts";
import { writeStackSettings } from "../../../support/stack-settings.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;
const three = `sha256:${"3".repeat(64)}`;
const program = process.cwd();

let directory: string;
let repository: BareRepository;
/** The environment's own, with Argo CD. */
let own: KubernetesStandIn;
/** Those of the first and of the second wave. */
let us: KubernetesStandIn;
let eu: KubernetesStandIn;
/** What happens when the command has said something. */
let onNote: (line: string, controller: AbortController) => void;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "clusters-"));
  mkdirSync(join(directory, "stacks"));
  for (const service of ["link", "user"]) {
    mkdirSync(join(directory, "svc", service), { recursive: true });
    writeFileSync(join(directory, "svc", service, "Dockerfile"), "FROM scratch\nEXPOSE 8080\n");
  }
  process.chdir(directory);
});
afterAll(() => {
  process.chdir(program);
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  repository = new BareRepository();
  [own, us, eu] = await Promise.all([KubernetesStandIn.start(), KubernetesStandIn.start(), KubernetesStandIn.start()]);
  own.writeKubeconfig(join(directory, "kubeconfig"), { us, eu });
  onNote = () => {};
  declare("dev", { verify: {}, clusters });
  declare("staging", {});
  const records = ["dev", wave].flatMap((each) => [
    [recordPath(each, "link"), pinned("link", one)],
    [recordPath(each, "user"), pinned("user", one)],
  ]);
  repository.commit(Object.fromEntries(records), "release");
  const well = { link: one, user: one };
  runs({ own: well, us: well, eu: well });
});
afterEach(async () => {
  repository[Symbol.dispose]();
  await Promise.all([own, us, eu].map((cluster) => cluster[Symbol.asyncDispose]()));
});

/** Where the records of the second wave are. */
const wave = "dev.wave-2";
const clusters = [
  { name: "us", wave: 1, context: "us", server: "https://us.example", token: "us-token" },
  { name: "eu", wave: 2, context: "eu", server: "https://eu.example", token: "eu-token" },
];

function declare(name: string, more: Record<string, unknown>): void {
  const config = {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    images: { organization: "acme", username: "acme-ci", source: "registry" },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
    gitops: { repository: "https://git.example/acme/deploy.git" },
    ...more,
  };
  writeStackSettings(directory, name, config);
}

function pinned(service: string, digest: string): string {
  return recordWith({ repository: `docker.io/acme/shop-${service}`, digest });
}

/** What the clusters say: each has these digests on all pods, and they are well. */
function runs(digests: Readonly<Record<"own" | "us" | "eu", Readonly<Record<string, string>>>>): void {
  const applications: JsonMap[] = [];
  const since = new Date().toISOString();
  for (const [cluster, environment, all] of [
    [own, "dev", digests.own],
    [us, "dev.us", digests.us],
    [eu, "dev.eu", digests.eu],
  ] as const) {
    const services = Object.entries(all).map(([service, digest]) => ({
      service,
      ...runningService(service, digest, since),
    }));
    cluster.lists.set(
      "/apis/apps/v1/namespaces/shop-dev/deployments",
      services.map(({ deployment }) => deployment),
    );
    cluster.lists.set(
      "/api/v1/namespaces/shop-dev/pods",
      services.map(({ pod }) => pod),
    );
    applications.push(
      ...services.map(({ service, application }) => ({
        ...application,
        metadata: { name: `shop-${environment}-${service}` },
        spec: { ...Object(application["spec"]), project: `shop-${environment}` },
      })),
    );
  }
  own.lists.set("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications", applications);
}

/** The pods of the service do not answer a check there. */
const declareCheck = (): void => declare("dev", { verify: { checks: [{ http: { path: "/healthz" } }] }, clusters });
function answers(cluster: KubernetesStandIn, isWell: boolean): void {
  cluster.answer = (path) => (isWell && path.endsWith("/proxy/healthz") ? "ok" : undefined);
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
  const controller = new AbortController();
  const error = await command
    .run(["--repository", repository.url, ...args], {
      environment: { PATH: process.env["PATH"], KUBECONFIG: join(directory, "kubeconfig") },
      print: (line) => lines.push(line),
      note: (line) => {
        notes.push(line);
        onNote(line, controller);
      },
      input: async () => "",
      signal: controller.signal,
    })
    .then(
      () => "",
      (reason: unknown) => errorMessage(reason),
    );
  return { output: lines.join("\n"), notes: notes.join("\n"), error };
}
const released = (digest: string, ...more: string[]): Promise<Outcome> =>
  run(release, "--env", "dev", "--service", `link=${digest}`, "--unverified", ...more);
const verified = (...args: string[]): Promise<Outcome> =>
  run(verify, "--env", "dev", "--wait", "0s", "--unverified", ...args);

function record(of: string, service = "link"): ReleaseRecord {
  const parsed = parseRecord("record", repository.files()[recordPath(of, service)] ?? "");
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed;
}
const digests = (): readonly (string | undefined)[] => ["dev", wave].map((of) => record(of).image?.digest);

describe("a release", () => {
  test("is in the first wave alone, and goes on by a commit of its own once all clusters there have proved it", async () => {
    const { notes } = await released(two, "--source-commit", "0123456");
    expect(notes).toContain("`delivery verify` brings it to the next ones");
    expect(digests()).toEqual([two, one]);
    runs({ own: { link: two }, us: { link: one }, eu: { link: one } });
    expect((await verified()).output).toMatch(
      /^dev, wave 1: link sha256:2{12} has no verdict yet.*: us: does not run sha256:2{12} yet/,
    );
    expect(digests()).toEqual([two, one]);
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    const { output, error } = await verified();
    expect(error).toBe("");
    expect(output).toMatch(
      /^dev, wave 1: link sha256:2{12} has passed: in-cluster: all pods .*; us: all pods .*\ndev, wave 2: link sha256:2{12} has no verdict yet.*: eu: does not run/,
    );
    expect(digests()).toEqual([two, two]);
    expect([record("dev").verification?.state, record(wave).verification?.state]).toEqual(["passed", "pending"]);
    runs({ own: { link: two }, us: { link: two }, eu: { link: two } });
    expect(JSON.parse((await verified("--json")).output)).toMatchObject({
      services: [{ service: "link", wave: 2, state: "passed" }],
    });
    expect((await verified()).output).toBe("dev: nothing waits for a verdict");
    expect(repository.subjects().slice(0, 4)).toEqual([
      "verify(dev, wave 2): link passed",
      "release(dev, wave 2): link sha256:222222222222",
      "verify(dev, wave 1): link passed",
      "release(dev): link sha256:222222222222",
    ]);
    expect(repository.git("log", "-1", "--skip=1", "--format=%(trailers:only)")).toBe(
      `Service: link\nDigest: ${two}\nWave: 2\nSource-Commit: 0123456`,
    );
  });

  test.each([
    ["before the next wave has it", one, /^link sha256:2{12}: us: does not run/, [two, one]],
    ["right after that", two, /^dev, wave 2: link sha256:1{12} → sha256:2{12}$/, [two, two]],
  ])("whose waiter is killed %s is carried on by the next one", async (_when, inUs, said, left) => {
    await released(two);
    runs({ own: { link: two }, us: { link: inUs }, eu: { link: one } });
    onNote = (line, controller) => {
      if (said.test(line)) controller.abort();
    };
    expect((await run(verify, "--env", "dev", "--unverified")).error).toMatch(/^interrupted/);
    expect(digests()).toEqual(left);
    onNote = () => {};
    runs({ own: { link: two }, us: { link: two }, eu: { link: two } });
    expect((await verified()).output).toMatch(/dev, wave 2: link sha256:2{12} has passed: eu: all pods/);
    expect((await verified()).output).toBe("dev: nothing waits for a verdict");
    expect(repository.subjects().filter((subject) => subject.startsWith("release(dev, wave 2)"))).toHaveLength(1);
  });

  test("of a service that has nothing to prove follows at once, as does one to a wave that is new", async () => {
    repository.commit({ [recordPath(wave, "user")]: initialRecord("user") }, "manifests");
    declare("dev", { verify: {}, clusters, services: { link: { verify: "none" } } });
    await released(two);
    await verified();
    expect(digests()).toEqual([two, two]);
    expect(record(wave, "user")).toMatchObject({ image: { digest: one }, verification: { state: "passed" } });
  });

  test("stays in its wave while nothing new may be released, unless there is a reason", async () => {
    await released(two);
    const frozen = { reason: "Christmas", until: "2999-12-27T12:00:00Z" };
    declare("dev", { verify: {}, clusters, freeze: frozen });
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    const { output, error } = await verified();
    expect(error).toBe("");
    expect(output).toMatch(
      /^dev, wave 2: link sha256:2{12} has no verdict yet.*waits until 2999-12-27T12:00:00\.000Z: it is frozen: Christmas/m,
    );
    expect(digests()).toEqual([two, one]);
    await verified("--break-glass", "payments are down");
    expect(digests()).toEqual([two, two]);
    expect(repository.git("log", "-1", "--format=%(trailers:key=Break-Glass,valueonly)")).toBe("payments are down");
  });

  test("has a command run on each cluster of a wave once it has held on all of them, and not before", async () => {
    declare("dev", { verify: { checks: [{ command: 'echo "$DELIVERY_CLUSTER" >> ran' }] }, clusters });
    await released(two);
    const ran = (): string[] => (existsSync("ran") ? readFileSync("ran", "utf8").trim().split("\n").toSorted() : []);
    runs({ own: { link: two }, us: { link: one }, eu: { link: one } });
    await verified();
    expect(ran()).toEqual([]);
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    expect((await verified()).output).toMatch(
      /link sha256:2{12} has passed: in-cluster: .*ran` has succeeded; us: .*ran` has succeeded$/m,
    );
    expect(ran()).toEqual(["in-cluster", "us"]);
  });

  test("is not promoted before it has proved itself on all clusters", async () => {
    repository.commit({ [recordPath("staging", "link")]: initialRecord("link") });
    await released(two);
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    await verified();
    const path = ["--from", "dev", "--to", "staging", "--service", "link", "--unverified"];
    expect((await run(promote, ...path)).notes).toContain("link is not promoted");
    expect(record("staging").image).toBeUndefined();
    runs({ own: { link: two }, us: { link: two }, eu: { link: two } });
    await verified();
    await run(promote, ...path);
    expect(record("staging").image?.digest).toBe(two);
  });
});

describe("what fails", () => {
  /** All run the image, and the first wave has passed. */
  async function inSecondWave(): Promise<void> {
    declareCheck();
    await released(two, "--source-commit", "0123456");
    runs({ own: { link: two }, us: { link: two }, eu: { link: two } });
    for (const cluster of [own, us]) answers(cluster, true);
  }

  test("in the second wave is taken back in all, by one commit, and does not go on again", async () => {
    await inSecondWave();
    answers(eu, false);
    const { error } = await verified();
    expect(error).toMatch(
      /link sha256:2{12} has failed: eu: GET \/healthz of pod link-1: not found; taken back to sha256:1{12}$/,
    );
    expect(digests()).toEqual([one, one]);
    const rejected = { digest: two, sourceCommit: "0123456", reason: "eu: GET /healthz of pod link-1: not found" };
    expect([record("dev").rejected, record(wave).rejected]).toEqual([rejected, rejected]);
    expect(repository.git("diff", "--name-only", "main~1", "main").split("\n")).toEqual([
      recordPath(wave, "link"),
      recordPath("dev", "link"),
    ]);
    expect(repository.subjects()[0]).toBe(
      "verify(dev, wave 2): link sha256:222222222222 has failed, back to sha256:111111111111",
    );
    expect((await verified()).output).toBe("dev: nothing waits for a verdict");
    expect(digests()).toEqual([one, one]);
  });

  test("in the second wave is what the records say of the image afterwards, although it has passed in the first one", async () => {
    await inSecondWave();
    const found = async (): Promise<readonly string[]> => {
      const target = { name: "dev", directory: "dev", repository: repository.url, branch: "main" };
      const recent = await recentOutcomes({ ...target, stableTag: undefined, imagesOf: (service) => service });
      return recent.flatMap((known) =>
        known.service === "link" && known.digest === two ? [`${known.wave} ${known.outcome.state}`] : [],
      );
    };
    answers(eu, false);
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    await verified();
    expect(await found()).toEqual(["1 passed", "2 pending"]);
    runs({ own: { link: two }, us: { link: two }, eu: { link: two } });
    await verified();
    expect(digests()).toEqual([one, one]);
    expect(await found()).toEqual(["1 failed", "2 failed"]);
  });

  test("in the second wave does not wait there for what the first one has by then", async () => {
    await inSecondWave();
    answers(eu, true);
    await verified();
    repository.commit({
      [recordPath(wave, "link")]: recordWith({
        repository: "docker.io/acme/shop-link",
        digest: two,
        verification: { state: "pending" },
      }),
    });
    await released(three);
    answers(eu, false);
    onNote = (line, controller) => {
      if (/^link sha256:3{12}: .*does not run/.test(line)) controller.abort();
    };
    expect((await run(verify, "--env", "dev", "--unverified")).error).toMatch(/^interrupted/);
    expect(digests()).toEqual([three, one]);
    expect(record(wave).rejected?.digest).toBe(two);
  });

  test("in the second wave is nothing to go back to for what has followed it in the first one", async () => {
    await inSecondWave();
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    await verified();
    await released(three);
    runs({ own: { link: three }, us: { link: three }, eu: { link: two } });
    for (const cluster of [own, us, eu]) answers(cluster, false);
    expect((await verified("--wait", "1s")).error).toMatch(
      /link sha256:2{12} has failed: eu: .*\n.*link sha256:3{12} has failed: .*; taken back to sha256:1{12}$/,
    );
    expect(digests()).toEqual([one, one]);
  });

  test("in the second wave does not come there again, however many others have followed it", async () => {
    const image = { repository: "docker.io/acme/shop-link", digest: one, rejectedBefore: [two] };
    repository.commit({ [recordPath(wave, "link")]: recordWith(image) });
    await released(two);
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    expect((await verified()).notes).toContain("was taken away there (it was taken away before); --service link");
    expect(digests()).toEqual([two, one]);
  });

  test("on one of the clusters of the first wave gets to no other wave", async () => {
    declareCheck();
    await released(two);
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    answers(own, true);
    answers(us, false);
    expect((await verified()).error).toMatch(/failed: us: GET \/healthz/);
    expect(digests()).toEqual([one, one]);
    expect(record(wave).rejected).toBeUndefined();
  });

  test("in the second wave, where the first one could not go back, is not brought there again and again", async () => {
    // The first wave runs what a rollback has brought back, which is taken back no further.
    await inSecondWave();
    const { image } = record("dev");
    const rejected = { digest: three };
    repository.commit({
      [recordPath("dev", "link")]: recordWith({ ...image!, verification: { state: "pending" } }, rejected),
    });
    answers(eu, false);
    await verified();
    expect(digests()).toEqual([two, one]);
    const { notes } = await verified();
    expect(notes).toContain(`link stays as it is in wave 2 of dev: ${two.slice(0, 19)} was taken away there (eu: GET`);
    expect(digests()).toEqual([two, one]);
    answers(eu, true);
    await verified("--service", "link");
    expect(digests()).toEqual([two, two]);
  });
});

describe("a cluster that is away", () => {
  test("is named, and keeps its wave from its verdict, and no other service from the next one", async () => {
    await released(two);
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    await us[Symbol.asyncDispose]();
    const { error, notes } = await verified();
    expect(error).toBe("dev: not all clusters have answered");
    expect(notes).toMatch(/^dev, wave 1 on us cannot be asked, so link has no verdict yet/);
    expect(record("dev").verification?.state).toBe("pending");
    expect(digests()).toEqual([two, one]);
    us = await KubernetesStandIn.start();
  });

  test("is no word for what is asked of a service that is not released, or has nothing to prove", async () => {
    repository.commit({ [recordPath("dev", "link")]: initialRecord("link") });
    declare("dev", { verify: {}, clusters, services: { user: { verify: "none" } } });
    expect((await verified("--service", "link")).error).toBe("dev runs nothing of link; release it first");
    expect((await verified("--service", "user")).error).toMatch(/^nothing says what user has to prove in dev/);
  });

  test("hides nothing that another one of its wave has found, also where an earlier wave is still waited for", async () => {
    const apac = { ...clusters[1], name: "apac", context: "apac", server: "https://apac.example" };
    declare("dev", { verify: { checks: [{ http: { path: "/healthz" } }] }, clusters: [...clusters, apac] });
    for (const cluster of [own, us]) answers(cluster, true);
    answers(eu, false);
    const waits = { verification: { state: "pending" } } as const;
    const image = { repository: "docker.io/acme/shop-link", digest: two };
    repository.commit({
      [recordPath("dev", "link")]: recordWith(image),
      [recordPath(wave, "link")]: recordWith({ ...image, ...waits }),
    });
    runs({ own: { link: two }, us: { link: two }, eu: { link: two } });
    const { error, output } = await run(verify, "--env", "dev", "--wait", "1s", "--unverified");
    expect(digests()).toEqual([one, one]);
    expect(output).toMatch(/^dev, wave 2: link sha256:2{12} has failed: eu: GET \/healthz/m);
    expect(error).toMatch(/link has not proved itself/);
  });

  test("does not hold up the rollback of the others: all waves go back by one commit", async () => {
    await released(two, "--source-commit", "0123456");
    runs({ own: { link: two }, us: { link: two }, eu: { link: two } });
    await verified();
    expect(digests()).toEqual([two, two]);
    await eu[Symbol.asyncDispose]();
    const before = repository.git("rev-parse", "main");
    const { error } = await run(rollback, "--env", "dev", "--unverified");
    expect(error).toBe("");
    expect(digests()).toEqual([one, one]);
    expect(repository.git("rev-parse", "main~1")).toBe(before);
    expect([record("dev").rejected, record(wave).rejected]).toEqual(
      Array.from({ length: 2 }, () => ({ digest: two, sourceCommit: "0123456" })),
    );
    eu = await KubernetesStandIn.start();
  });

  test("is named by status, which shows what each cluster runs and is to run", async () => {
    await released(two);
    runs({ own: { link: two, user: one }, us: { link: one, user: one }, eu: { link: one, user: one } });
    await eu[Symbol.asyncDispose]();
    const asked = ["--env", "dev", "--branch", "main"];
    const { clusters: found } = JSON.parse((await run(status, ...asked, "--json")).output);
    expect(found).toMatchObject([
      { name: "in-cluster", wave: 1, away: null, services: [{ service: "link", digest: two }, { service: "user" }] },
      { name: "us", wave: 1, away: null, services: [{ digest: one, releasedDigest: two, state: "progress" }, {}] },
      {
        name: "eu",
        wave: 2,
        away: expect.stringContaining("127.0.0.1"),
        services: [{ state: "unknown", digest: null }, {}],
      },
    ]);
    const { output } = await run(status, ...asked, "--html", join(directory, "page.html"));
    expect(output).toMatch(/^ +in-cluster \(wave 1\) +us \(wave 1\) +eu \(wave 2\)$/m);
    expect(output).toMatch(/^ +link +… sha256:2{12} +… sha256:1{12} → sha256:2{12} +\? to be sha256:1{12}$/m);
    expect(output).toMatch(/^\? eu \(wave 2\) is away: .*127\.0\.0\.1/m);
    const page = readFileSync(join(directory, "page.html"), "utf8");
    expect(page).toContain('<th scope="col">eu (wave 2)</th>');
    expect(page).toContain('data-cluster="us" data-state="progress"');
    expect(page).toMatch(/eu \(wave 2\) is away/);
    eu = await KubernetesStandIn.start();
  });
});

describe("a cluster that the stack file names, and `pulumi up` has not made yet,", () => {
  test("gets no verdict about what nothing has brought there, and nothing is taken back for it", async () => {
    declare("dev", { verify: { timeoutMinutes: 1 }, clusters });
    repository.commit({
      [recordPath("dev", "link")]: recordWith({
        repository: "docker.io/acme/shop-link",
        digest: two,
        verification: { state: "pending" },
      }),
    });
    vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ["Date"] });
    runs({ own: { link: two }, us: {}, eu: { link: one } });
    const { notes, error } = await verified().finally(() => vi.useRealTimers());
    expect(error).toBe("dev: not all clusters have answered");
    expect(notes).toContain(
      "dev, wave 1 on us cannot be asked, so link has no verdict yet: Argo CD has no Application of link there; `pulumi up` makes those of a cluster",
    );
    expect(record("dev")).toMatchObject({ image: { digest: two }, verification: { state: "pending" } });
  });

  test("in a wave of its own gets nothing, which is said", async () => {
    declare("dev", { verify: {}, clusters: [...clusters, { ...clusters[1], name: "apac", wave: 3, context: "us" }] });
    expect(await verified()).toMatchObject({
      error: "",
      notes:
        "dev: the deploy repository has no wave 3 yet, which its stack file names (clusters), so that nothing is released to it; `pulumi up` makes it",
    });
  });
});

test("a wave that the stack file has no more, and `pulumi up` has not removed yet, is said to keep images from being promoted", async () => {
  declare("dev", { verify: {} });
  await released(two);
  runs({ own: { link: two }, us: { link: one }, eu: { link: one } });
  const { notes, error } = await verified();
  expect(error).toBe("");
  expect(notes).toContain("dev: no cluster of its stack file is in wave 2, which the deploy repository has");
  expect(record("dev").verification?.state).toBe("passed");
  expect(digests()).toEqual([two, one]);
});

describe("the first image of a wave that is new", () => {
  test("stays where it fails, also in the waves where it has passed, and the next one goes on from there", async () => {
    declareCheck();
    repository.commit({ [recordPath(wave, "link")]: initialRecord("link") });
    runs({ own: { link: one, user: one }, us: { link: one, user: one }, eu: { link: one, user: one } });
    for (const cluster of [own, us]) answers(cluster, true);
    answers(eu, false);
    const { error } = await verified();
    expect(error).toMatch(
      /link sha256:1{12} has failed: eu: GET .*; it still runs, since it is the first image of the service in this wave of clusters$/m,
    );
    expect([digests(), record("dev").rejected]).toEqual([[one, one], undefined]);
    expect(record(wave).verification?.state).toBe("failed");
    expect((await verified()).output).toBe("dev: nothing waits for a verdict");
    await released(two);
    runs({ own: { link: two }, us: { link: two }, eu: { link: two } });
    answers(eu, true);
    await verified();
    expect(digests()).toEqual([two, two]);
    expect(record(wave).verification?.state).toBe("passed");
  });
});

describe("a rollback", () => {
  test("leaves a wave that has not had the image where it was", async () => {
    await released(two);
    await run(rollback, "--env", "dev", "--unverified");
    expect(digests()).toEqual([one, one]);
    expect(record(wave).rejected).toBeUndefined();
  });

  test("has a wave that ran nothing then run what the first one did", async () => {
    repository.commit({ [recordPath(wave, "link")]: initialRecord("link") });
    await released(two);
    repository.commit({ [recordPath(wave, "link")]: pinned("link", two) });
    await run(rollback, "--env", "dev", "--unverified");
    expect(digests()).toEqual([one, one]);
    expect(record(wave).rejected).toEqual({ digest: two });
  });

  test("to what had not proved itself by then brings it to no other wave before it has", async () => {
    await released(two);
    await released(three);
    await run(rollback, "--env", "dev", "--unverified");
    expect(record("dev")).toMatchObject({ image: { digest: two }, verification: { state: "pending" } });
    await verified();
    expect(digests()).toEqual([two, one]);
    runs({ own: { link: two }, us: { link: two }, eu: { link: one } });
    await verified();
    expect(digests()).toEqual([two, two]);
  });

  test("needs no stack file to find the waves", async () => {
    await released(two);
    repository.commit({ [recordPath(wave, "link")]: pinned("link", two) });
    rmSync(join(directory, "stacks", "Pulumi.dev.yaml"));
    const { error } = await run(rollback, "--env", "dev", "--unverified", "--images", "docker.io/acme/shop");
    expect(error).toBe("");
    expect(digests()).toEqual([one, one]);
  });
});
