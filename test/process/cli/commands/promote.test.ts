import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { errorMessage } from "../../../../core/error.ts";
import { initialRecord, recordPath, recordWith } from "../../../../git/release-record.ts";
import { serveGitHub, type GitHub } from "../../../../sandbox/stand-ins/github/server.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { RegistryStandIn } from "../../../support/registry-stand-in.ts";
import { runningService } from "../../../support/sample-running-service.ts";
import { writeStackSettings } from "../../../support/stack-settings.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;
const three = `sha256:${"3".repeat(64)}`;
const program = process.cwd();

let directory: string;
let repository: BareRepository;
let cluster: KubernetesStandIn;
let github: GitHub;
let kubeconfig: string | undefined;
/** What happens when the command has said something. */
let onNote: () => void;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "promote-"));
  mkdirSync(join(directory, "stacks"));
  process.chdir(directory);
});
afterAll(() => {
  process.chdir(program);
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  repository = new BareRepository();
  github = await serveGitHub({
    port: 0,
    stateFile: join(repository.directory, "github.json"),
    host: {
      url: "https://github.test",
      gitUrl: "https://git.test",
      root: repository.directory,
      repositories: [{ id: 1, fullName: "acme/deploy", git: "deploy", public: false }],
      users: [{ login: "robot", token: "hunter2", access: "write" }],
    },
    webhooks: [],
    log: () => undefined,
  });
  repository.commit({
    [recordPath("dev", "link")]: pinned("link", one),
    [recordPath("dev", "user")]: pinned("user", one),
    [recordPath("dev", "news")]: initialRecord("news"),
    [recordPath("staging", "link")]: initialRecord("link"),
    [recordPath("staging", "user")]: initialRecord("user"),
    [recordPath("staging", "news")]: initialRecord("news"),
  });
  cluster = await KubernetesStandIn.start();
  cluster.writeKubeconfig(join(directory, "kubeconfig"));
  kubeconfig = undefined;
  onNote = () => {};
  declare("dev");
  declare("staging", { from: "dev" });
});
afterEach(async () => {
  await github[Symbol.asyncDispose]();
  repository[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
});

const api = (): string => `http://127.0.0.1:${github.port}`;

/** Writes the stack file of an environment. */
function declare(name: string, promotion?: Record<string, unknown>): void {
  const config = {
    schemaVersion: 2,
    app: { name: "shop", directory: "." },
    images: { organization: "acme", username: "acme-ci", source: "registry" },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
    github: { repository: "acme/shop", api: api() },
    gitops: { repository: "https://git.example/acme/deploy.git" },
    ...(promotion && { promotion }),
  };
  writeStackSettings(directory, name, config);
}

/** What the cluster of dev says: every service in it has been well for so many minutes. */
function runs(minutes: Record<string, number>, digests: Record<string, string> = {}): void {
  const services = Object.entries(minutes).map(([service, age]) =>
    runningService(service, digests[service] ?? one, new Date(Date.now() - age * 60_000).toISOString()),
  );
  const list = (path: string, part: "application" | "deployment" | "pod"): void =>
    void cluster.lists.set(
      path,
      services.map((service) => service[part]),
    );
  list("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications", "application");
  list("/apis/apps/v1/namespaces/shop-dev/deployments", "deployment");
  list("/api/v1/namespaces/shop-dev/pods", "pod");
}

interface Outcome {
  output: string;
  notes: string;
  /** Empty where it did not fail. */
  error: string;
}

/** As `npx delivery promote --to staging` runs, with images that the registry need not have. */
async function run(...args: string[]): Promise<Outcome> {
  const lines: string[] = [];
  const notes: string[] = [];
  const where = ["--to", "staging", "--repository", repository.url, "--unverified"];
  const error = await promote
    .run([...where, ...args], {
      environment: {
        PATH: process.env["PATH"],
        USER: "ada",
        KUBECONFIG: join(directory, "kubeconfig"),
        DELIVERY_KUBECONFIG: kubeconfig,
        DELIVERY_GITHUB_TOKEN: "hunter2",
      },
      print: (line) => lines.push(line),
      note: (line) => {
        notes.push(line);
        onNote();
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

/** Options that say what a person has approved. */
function approved(digests: Readonly<Record<string, string>> = { link: one, user: one }): string[] {
  const file = join(directory, "approved.json");
  writeFileSync(file, JSON.stringify(digests));
  return ["--approved", file];
}

/** What is in the repository has been there for an hour. */
function backdate(): void {
  const tree = repository.git("rev-parse", "main^{tree}");
  vi.stubEnv("GIT_COMMITTER_DATE", `${Math.floor(Date.now() / 1000) - 3600} +0000`);
  const someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
  repository.git("update-ref", "refs/heads/main", repository.git(...someone, "commit-tree", tree, "-m", "by hand"));
  vi.unstubAllEnvs();
}

function pinned(service: string, digest: string, rejected?: string): string {
  return recordWith(
    { repository: `docker.io/acme/shop-${service}`, digest },
    rejected === undefined ? undefined : { digest: rejected },
  );
}
const record = (service: string, branch?: string): string | undefined =>
  repository.files(branch)[recordPath("staging", service)];

describe("without gates", () => {
  test("copies the tested digests by one commit, from where the stack file says, and nothing else", async () => {
    const { output, error } = await run();
    expect(error).toBe("");
    expect(output).toContain("staging: link (nothing) → sha256:111111111111");
    expect(record("link")).toBe(pinned("link", one));
    expect(record("news")).toBe(initialRecord("news"));
    expect(repository.git("log", "-1", "--format=%B")).toMatch(
      /^promote\(dev → staging\): link sha256:1{12}, user sha256:1{12}\n\nService: link\nDigest: sha256:1{64}\nService: user\nDigest: .*\nPromoted-From: dev$/,
    );
    expect((await run()).output).toBe("staging: nothing to change");
  });

  test("takes along from which commit a digest was built, and not what was rolled back", async () => {
    const image = { repository: "docker.io/acme/shop-link", digest: two, sourceCommit: "abcdef0" };
    repository.commit({
      [recordPath("dev", "link")]: recordWith(image, { digest: one, sourceCommit: "1234567" }),
    });
    await run("--service", "link");
    expect(record("link")).toBe(recordWith(image));
    expect(record("user")).toBe(initialRecord("user"));
  });

  describe("what was rolled back there", () => {
    const image = { repository: "docker.io/acme/shop-link", digest: one, sourceCommit: "1234567" };
    const back = recordWith({ ...image, digest: three }, { digest: two, sourceCommit: "abcdef0" });

    test.each([
      ["the digest", { ...image, digest: two }, /^link of staging stays as rolled back from sha256:2{12}; --service/m],
      [
        "another build of its commit",
        { ...image, sourceCommit: "abcdef0" },
        /^link of staging stays as rolled back from sha256:2{12}, since sha256:1{12} is another build of abcdef0; --service link/m,
      ],
    ])("stays away while %s is what runs, and the others come", async (_what, runsThere, reason) => {
      repository.commit({
        [recordPath("dev", "link")]: recordWith(runsThere),
        [recordPath("staging", "link")]: back,
      });
      declare("staging", { from: "dev", test: "cat $DELIVERY_DIGESTS" });
      const { output, notes, error } = await run("--json");
      expect(error).toBe("");
      expect(JSON.parse(output)).toMatchObject({ rolledBack: ["link"], services: [{ service: "user" }] });
      expect(notes).toMatch(reason);
      expect(notes).toContain(JSON.stringify({ user: one }));
      expect(record("link")).toBe(back);
      expect(record("user")).toBe(pinned("user", one));
      expect((await run()).output).toBe("staging: nothing to change");
      expect(JSON.parse((await run("--check", "--json")).output)).toMatchObject({ rolledBack: ["link"], services: [] });
    });

    test("comes back where the service is named, and ends with other digests", async () => {
      repository.commit({ [recordPath("dev", "link")]: pinned("link", two), [recordPath("staging", "link")]: back });
      expect((await run("--service", "link")).error).toBe("");
      expect(record("link")).toBe(pinned("link", two));
      repository.commit({ [recordPath("dev", "link")]: recordWith(image), [recordPath("staging", "link")]: back });
      expect((await run()).notes).toBe("");
      expect(record("link")).toBe(recordWith(image));
    });
  });

  test("asks the registry first", async () => {
    await using registry = await RegistryStandIn.start();
    const digest = registry.push("acme/shop-link", "0.2.1");
    const images = `${registry.host}/acme/shop`;
    repository.commit({
      [recordPath("dev", "link")]: recordWith({ repository: `${images}-link`, digest }),
    });
    const where = ["--to", "staging", "--repository", repository.url, "--images", images];
    const context = {
      environment: {},
      print: () => {},
      note: () => {},
      input: async () => "",
      signal: new AbortController().signal,
    };
    await expect(promote.run(where, context)).rejects.toThrow(/the registry does not have .*shop-user@sha256:1+/);
    await promote.run([...where, "--service", "link"], context);
    expect(record("link")).toBe(recordWith({ repository: `${images}-link`, digest }));
  });

  test.each<[fault: string, args: string[], reason: RegExp]>([
    ["another environment to come from", ["--from", "prod"], /staging gets its digests from dev only/],
    ["a service not yet released", ["--service", "news"], /dev runs nothing of news yet; release there first/],
    ["a service that is not there", ["--service", "cart"], /dev has no service "cart"/],
    ["a wait that is none", ["--wait", "soon"], /--wait "soon": must be a duration/],
  ])("refuses %s", async (_fault, args, reason) => {
    expect((await run(...args)).error).toMatch(reason);
    expect(repository.subjects()).toEqual(["by hand"]);
  });

  test("refuses where nothing is released, and where both environments are one", async () => {
    repository.commit({
      [recordPath("dev", "link")]: initialRecord("link"),
      [recordPath("dev", "user")]: initialRecord("user"),
    });
    expect((await run()).error).toMatch(/there is nothing to promote: dev runs no service that staging has/);
    declare("staging");
    expect((await run()).error).toMatch(/--from is missing/);
    expect((await run("--from", "staging")).error).toMatch(/--from and --to are both staging/);
  });
});

describe("gates", () => {
  beforeEach(() => {
    backdate();
    declare("staging", { from: "dev", healthyMinutes: 10, approval: true, test: "true" });
  });

  test("that hold let the commit through, which says who approved", async () => {
    runs({ link: 11, user: 12 });
    const { output, error } = await run(...approved(), "--json");
    expect(error).toBe("");
    expect(JSON.parse(output)).toMatchObject({
      environment: "staging",
      from: "dev",
      changed: true,
      gates: [
        { gate: "health", passed: true, services: [{ service: "link", passed: true }, { service: "user" }] },
        { gate: "approval", passed: true },
        { gate: "test", passed: true },
      ],
    });
    expect(repository.git("log", "-1", "--format=%(trailers:key=Approved,valueonly)").trim()).toBe("by hand, ada");
  });

  test("that do not hold are all reported together, and nothing is promoted", async () => {
    runs({ link: 11, user: 4 });
    declare("staging", { from: "dev", healthyMinutes: 10, approval: true, test: "echo checking; echo boom; exit 3" });
    const { error, notes, output } = await run("--json");
    expect(error.split("\n")).toEqual([
      "staging: not all gates hold; nothing was promoted; --service promotes only those that pass",
      "  ✗ health    1 of 2 digests have been Healthy in dev for 10 minutes",
      "              user: has been Healthy for 4 of 10 minutes",
      expect.stringMatching(
        /^ {2}✗ approval {2}staging needs the approval of a person: have them look at what --propose FILE writes, and give --approved FILE/,
      ),
      "  ✗ test      `echo checking; echo boom; exit 3` ended with exit status 3:",
      "                checking",
      "                boom",
    ]);
    expect(notes).toContain("boom");
    expect(JSON.parse(output)).toMatchObject({
      changed: false,
      passed: false,
      gates: [{ passed: false }, { passed: false }, { passed: false }],
    });
    expect(repository.subjects()).toEqual(["by hand"]);
  });

  test("an approval is of the digests that were shown: what was released since is not promoted by it", async () => {
    declare("staging", { from: "dev", approval: true });
    const shown = join(directory, "shown.json");
    const { output } = await run("--propose", shown);
    expect(output).toBe(`What dev runs, and staging is to run:\n  link ${one}\n  user ${one}`);
    expect(repository.subjects()).toEqual(["by hand"]);
    repository.commit({ [recordPath("dev", "link")]: pinned("link", two) }, "release of the next pipeline");
    const { error } = await run("--approved", shown);
    expect(error.split("\n")).toEqual([
      "staging: not all gates hold; nothing was promoted; --service promotes only those that pass",
      "  ✗ approval  1 of 2 digests are what a person has approved",
      "              link: runs sha256:222222222222, and sha256:111111111111 was what a person approved: the pipeline that released it asks again",
    ]);
    expect(record("link")).toBe(initialRecord("link"));
    await run("--propose", shown);
    expect((await run("--approved", shown)).error).toBe("");
    expect(record("link")).toBe(pinned("link", two));
  });

  test("an approval is not of a service that came later, nor of one that is rebuilt while the others wait", async () => {
    declare("staging", { from: "dev", approval: true, healthyMinutes: 10 });
    runs({ link: 11, user: 1 });
    expect((await run(...approved({ link: one }))).error).toContain(
      "user: runs sha256:111111111111, and was not there when a person approved",
    );
    onNote = () => void repository.commit({ [recordPath("dev", "link")]: pinned("link", two) });
    const started = Date.now();
    expect((await run(...approved(), "--wait", "600s")).error).toMatch(
      /link: runs sha256:2{12}, and sha256:1{12} was what/,
    );
    expect(Date.now() - started).toBeLessThan(120_000);
    expect(repository.subjects().filter((subject) => subject.startsWith("promote"))).toEqual([]);
  });

  test("an approval that names no digests is refused", async () => {
    const { error } = await run("--approved", join(directory, "no-such.json"));
    expect(error).toMatch(/no-such\.json: ENOENT.*must be JSON such as/);
    expect(repository.subjects()).toEqual(["by hand"]);
  });

  test("are asked only for what would change", async () => {
    runs({ link: 11, user: 4 });
    expect((await run(...approved(), "--service", "link")).error).toBe("");
    expect(record("user")).toBe(initialRecord("user"));
    expect((await run(...approved(), "--service", "link")).output).toBe("staging: nothing to change");
  });

  test("hold for the digest of the release record, and no other", async () => {
    runs({ link: 11, user: 11 }, { user: two });
    expect((await run(...approved())).error).toMatch(/user: does not run sha256:1{12} yet, but .*@sha256:2+/);
  });

  test("do not hold where the cluster cannot be asked", async () => {
    writeFileSync(join(directory, "kubeconfig"), "");
    const { error } = await run(...approved());
    expect(error).toMatch(/✗ health {4}dev cannot be asked: .*kubeconfig/);
    expect(repository.subjects()).toEqual(["by hand"]);
  });

  test("take the kubeconfig from a variable, too, as CI has it", async () => {
    runs({ link: 11, user: 12 });
    const content = readFileSync(join(directory, "kubeconfig"), "utf8");
    writeFileSync(join(directory, "kubeconfig"), "");
    expect((await run(...approved(), "--check")).error).toMatch(/✗ health/);
    kubeconfig = content;
    expect((await run(...approved(), "--check")).error).toBe("");
    kubeconfig = "hunter3";
    expect((await run(...approved(), "--check")).error).toMatch(
      /dev cannot be asked: DELIVERY_KUBECONFIG is not the content of a kubeconfig; set it to the text of the file$/m,
    );
  });

  test("do not hold where the cluster does not answer", async () => {
    await cluster[Symbol.asyncDispose]();
    expect((await run(...approved())).error).toMatch(/dev cannot be asked: the API server http:\S+ does not answer/);
  });

  test("are only asked with --check", async () => {
    runs({ link: 11, user: 11 });
    const { output, error } = await run(...approved(), "--check");
    expect(error).toBe("");
    expect(output).toContain("staging: link sha256:111111111111, user sha256:111111111111 may be promoted");
    expect((await run("--check")).error).toMatch(/✗ approval/);
    expect(repository.subjects()).toEqual(["by hand"]);
  });

  test("are waited for where time can mend them", async () => {
    runs({ link: 11, user: 11 }, { user: two });
    onNote = () => runs({ link: 11, user: 11 });
    const { notes, error } = await run(...approved(), "--wait", "20s");
    expect(notes).toMatch(/waiting, at most until .*\n✗ health .*\n.*user: does not run sha256:1{12} yet/);
    expect(error).toBe("");
    expect(record("user")).toBe(pinned("user", one));
  });

  test("are not waited for where it cannot", async () => {
    runs({ link: 11, user: 1 });
    const { notes, error } = await run("--wait", "1h");
    expect(notes).not.toContain("waiting");
    expect(error).toMatch(/✗ approval/);
  });

  test("pass on what they are asked about to the test command", async () => {
    runs({ link: 11, user: 11 });
    const told = join(directory, "told");
    declare("staging", { from: "dev", test: `echo $DELIVERY_FROM $DELIVERY_TO > ${told}; cat $DELIVERY_DIGESTS` });
    const { notes, error } = await run("--service", "link");
    expect(error).toBe("");
    expect(notes).toContain(JSON.stringify({ link: one }));
  });
});

describe("what happens while the gates are asked", () => {
  /** Others commit a record during the test of staging, as often as that runs. */
  function meanwhile(environment: string, service: string, content: string): void {
    const script = [
      `cd ${repository.path}`,
      `blob=$(git hash-object -w --stdin <<'END'\n${content}END\n)`,
      "export GIT_INDEX_FILE=index.tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a",
      "git read-tree main",
      `git update-index --cacheinfo 100644,$blob,${recordPath(environment, service)}`,
      "git update-ref refs/heads/main $(git commit-tree $(git write-tree) -p main -m meanwhile)",
    ];
    declare("staging", { from: "dev", test: script.join("\n") });
  }

  test.each<[what: string, environment: string, content: string, reason: RegExp]>([
    [
      "a digest is rolled back",
      "dev",
      pinned("link", two, one),
      /asked, dev has rolled link back; nothing was promoted/,
    ],
    ["it is rolled back once more", "dev", pinned("link", two, three), /asked, dev has rolled link back; nothing/],
    [
      "a newer one is released",
      "dev",
      pinned("link", two),
      /asked, dev runs another build of link; nothing was promot/,
    ],
    ["another one is released there", "staging", pinned("link", two), /staging was changed by others in link; nothing/],
    [
      "the same one has come and gone there",
      "staging",
      pinned("link", three, one),
      /^since the gates were asked, staging was changed by others in link; nothing was promoted\. Look at what runs now, and run/,
    ],
  ])("%s: nothing is promoted", async (_what, environment, content, reason) => {
    const before = pinned("link", three);
    repository.commit({ [recordPath("staging", "link")]: before }, "before");
    meanwhile(environment, "link", content);
    expect((await run()).error).toMatch(reason);
    expect(repository.subjects().slice(0, 2)).toEqual(["meanwhile", "before"]);
    expect(record("link")).toBe(environment === "staging" ? content : before);
  });

  test("a service is promoted by others: the rest is", async () => {
    meanwhile("staging", "link", pinned("link", one));
    const { output, error } = await run();
    expect(error).toBe("");
    expect(output).toMatch(/^staging: user \(nothing\) → sha256:1{12}\ncommit /);
    expect(record("link")).toBe(pinned("link", one));
  });

  test("a service that has not passed them is released: it stays so", async () => {
    repository.commit({ [recordPath("staging", "link")]: pinned("link", one) });
    meanwhile("staging", "link", pinned("link", two));
    expect((await run()).error).toBe("");
    expect(record("link")).toBe(pinned("link", two));
    expect(record("user")).toBe(pinned("user", one));
  });
});

const pullSchema = z.object({
  number: z.number(),
  title: z.string(),
  body: z.string(),
  head: z.object({ ref: z.string(), sha: z.string() }),
  base: z.object({ ref: z.string() }),
});

describe("by a pull request", () => {
  const open = (...args: string[]): Promise<Outcome> =>
    run("--pull-request", "--github-repository", "acme/deploy", ...args);

  async function opened() {
    const headers = { authorization: "Bearer hunter2" };
    const response = await fetch(`${api()}/repos/acme/deploy/pulls`, { headers });
    return z.array(pullSchema).parse(await response.json());
  }

  test("the branch of the environment stays as it is, and merging is the approval", async () => {
    declare("staging", { from: "dev", approval: true });
    const { output, error } = await open("--json");
    expect(error).toBe("");
    expect(repository.subjects()).toEqual(["by hand"]);
    const [pull] = await opened();
    expect(pull).toMatchObject({
      base: { ref: "main" },
      head: { ref: expect.stringMatching(/^promote\/staging-[0-9a-f]{10}$/) },
      title: "promote(dev → staging): link sha256:111111111111, user sha256:111111111111",
      body: expect.stringContaining("- **link** nothing → `sha256:111111111111`\n- **user** nothing →"),
    });
    expect(record("link", pull?.head.ref)).toBe(pinned("link", one));
    expect(JSON.parse(output)).toMatchObject({
      changed: true,
      commit: pull?.head.sha,
      pullRequest: { number: 1, url: "https://github.test/acme/deploy/pull/1" },
    });
    expect(output).not.toContain("hunter2");
  });

  test("running again changes nothing, and follows the branch where that moves on", async () => {
    await open();
    const [pull] = await opened();
    const branch = pull?.head.ref ?? "";
    expect((await open()).output).toContain("https://github.test/acme/deploy/pull/1");
    expect(repository.git("rev-parse", branch)).toBe(pull?.head.sha);
    const tip = repository.commit({ "dev/link/deployment.yaml": "replicas: 2\n" }, "manifests");
    await open();
    expect(repository.git("rev-parse", `${branch}^`)).toBe(tip);
    expect(repository.branches()).toEqual(["main", branch]);
    expect(await opened()).toHaveLength(1);
  });

  test("opens none where nothing would change, or a gate does not hold", async () => {
    declare("staging", { from: "dev", test: "false" });
    expect((await open()).error).toMatch(/✗ test {2}`false` ended with exit status 1/);
    declare("staging", { from: "dev" });
    await run();
    expect((await open()).output).toBe("staging: nothing to change");
    expect(await opened()).toEqual([]);
    expect(repository.branches()).toEqual(["main"]);
  });

  test("says what GitHub refuses", async () => {
    expect((await run("--pull-request", "--github-repository", "acme/other")).error).toMatch(
      /GitHub refuses to .* acme\/other \(404: Not Found\)/,
    );
    expect((await run("--pull-request")).error).toMatch(/give --github-repository OWNER\/NAME/);
  });
});
