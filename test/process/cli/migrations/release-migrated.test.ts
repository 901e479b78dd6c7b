import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { command as rollback } from "../../../../cli/commands/rollback.ts";
import { command as watch } from "../../../../cli/commands/watch.ts";
import type { Command } from "../../../../cli/command.ts";
import { errorMessage } from "../../../../core/error.ts";
import { initialMigration, migrationPath, parseMigration, type Migration } from "../../../../git/migration-record.ts";
import { initialRecord } from "../../../../git/release-record.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { CommandHarness } from "../../../support/command-harness.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { sampleMigrationFiles } from "../../../support/sample-migration.ts";

type State = "running" | "succeeded" | "failed";
const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;
const three = `sha256:${"3".repeat(64)}`;
const jobOf = (digest: string, attempt: number): string => `link-migration-${digest.slice(7, 15)}-${attempt}`;
const source = "0123456789abcdef0123456789abcdef01234567";

const program = process.cwd();
let harness: CommandHarness;
let cluster: KubernetesStandIn;
let directory: string;
/** What Argo CD and the cluster make of the Job that the deploy repository has. */
let become: (job: string) => State | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "migrated-"));
  // Where no stack file says more of the environments.
  process.chdir(directory);
  harness = await CommandHarness.start();
  cluster = await KubernetesStandIn.start();
  cluster.writeKubeconfig(join(directory, "kubeconfig"));
  become = () => "succeeded";
  cluster.answer = answer;
  harness.repository.commit({
    [migrationPath("dev", "link")]: initialMigration(),
    [migrationPath("staging", "link")]: initialMigration(),
  });
  declare({});
});
afterEach(async () => {
  await harness[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
  process.chdir(program);
  rmSync(directory, { recursive: true });
});

/** `link` has migrations in both environments, `user` has none. */
function declare(settings: { contract?: boolean }): void {
  const image = `${harness.registry.host}/acme/shop-link`;
  const migrations = { command: ["/app", "migrate"], ...settings };
  const files = Object.entries(sampleMigrationFiles("link", { migrations }, image));
  harness.repository.commit(
    Object.fromEntries(
      ["dev", "staging"].flatMap((environment) =>
        files.map(([path, text]) => [`${environment}/link/${path}`, text] as const),
      ),
    ),
  );
}

function newest(environment = "dev"): Migration | undefined {
  const path = migrationPath(environment, "link");
  const migration = parseMigration(path, harness.repository.files()[path] ?? "");
  return migration !== undefined && "problems" in migration ? undefined : migration;
}

/** As Argo CD has it, the cluster has the Jobs of the records, and no others. */
function answer(path: string): JsonMap | string | undefined {
  if (path.endsWith("/pods/pod/log")) return "adding column\nno such table: links\n";
  if (path.endsWith("/pods")) return pods();
  const job = [newest("dev"), newest("staging")].find((known) => path.endsWith(`/jobs/${known?.job}`))?.job;
  const state = job === undefined ? undefined : become(job);
  if (state === undefined) return undefined;
  const type = { running: "Suspended", succeeded: "Complete", failed: "Failed" }[state];
  return { kind: "Job", metadata: { name: job ?? "" }, status: { conditions: [{ type, status: "True" }] } };
}

function pods(): JsonMap {
  const terminated = { exitCode: 3, reason: "Error" };
  const status = { containerStatuses: [{ name: "link", state: { terminated } }] };
  return { items: [{ metadata: { name: "pod" }, spec: { containers: [{ name: "link" }] }, status }] };
}

interface Outcome {
  readonly output: string;
  /** Empty where it did not fail. */
  readonly error: string;
}

async function run(command: Command, args: readonly string[], signal?: AbortSignal): Promise<Outcome> {
  const environment = { KUBECONFIG: join(directory, "kubeconfig"), PATH: process.env["PATH"] };
  return harness.run(command, args, { environment, ...(signal && { signal }) }).then(
    (output) => ({ output, error: "" }),
    (error: unknown) => ({ output: "", error: errorMessage(error) }),
  );
}
const released = (digest: string, ...args: string[]): Promise<Outcome> =>
  run(release, ["--env", "dev", "--service", `link=${digest}`, "--unverified", ...args]);
const promoted = (): Promise<Outcome> => run(promote, ["--from", "dev", "--to", "staging", "--unverified"]);
const rolledBack = (environment: string): Promise<Outcome> =>
  run(rollback, ["--env", environment, "--service", "link", "--unverified"]);
const link = (environment = "dev"): string | undefined => harness.record(environment, "link");
const subjects = (): string[] => harness.repository.subjects().filter((subject) => subject !== "by hand");

describe("release", () => {
  test("has the migration run by a commit of its own, and moves the record by another one", async () => {
    const { output, error } = await released(one, "--source-commit", source);
    expect(error).toBe("");
    expect(output).toContain("dev: link (nothing) → sha256:111111111111");
    expect(newest()).toMatchObject({ image: { digest: one }, attempt: 1, job: jobOf(one, 1), sourceCommit: source });
    expect(link()).toBe(harness.pinned("link", one, undefined, source));
    expect(subjects()).toEqual(["release(dev): link sha256:111111111111", "migrate(dev): link sha256:111111111111"]);
    expect(harness.repository.git("diff", "--name-only", "main~2", "main~1")).toBe("dev/link/migration/job.yaml");
    expect(harness.repository.git("diff", "--name-only", "main~1", "main")).toBe("dev/link/release/kustomization.yaml");
  });

  test("services without migrations do not wait", async () => {
    const meanwhile: (string | undefined)[] = [];
    become = () => {
      meanwhile.push(harness.record("dev", "user"));
      return "succeeded";
    };
    await released(one, "--service", `user=${two}`);
    expect(meanwhile[0]).toBe(harness.pinned("user", two));
    expect(link()).toBe(harness.pinned("link", one));
  });

  test("one that fails leaves the service as it is, and says why with its log; the others are released", async () => {
    await released(one);
    become = () => "failed";
    const { error } = await released(two, "--service", `user=${two}`);
    expect(error).toBe(
      `dev: not released, and still as before:
  link: the migration to sha256:222222222222 has failed: exit status 3; its log ends with:
    adding column
    no such table: links
  What has failed is tried again by the same command; \`delivery status\` shows it, too`,
    );
    expect(link()).toBe(harness.pinned("link", one));
    expect(harness.record("dev", "user")).toBe(harness.pinned("user", two));
  });

  test("run again, it tries again by a new Job, and goes on where that has succeeded", async () => {
    become = () => "failed";
    await released(one);
    become = (job) => (job === jobOf(one, 1) ? "failed" : "succeeded");
    expect((await released(one)).error).toBe("");
    expect(newest()).toMatchObject({ image: { digest: one }, attempt: 2 });
    expect(link()).toBe(harness.pinned("link", one));
  });

  test("killed while it waits, it has changed no record; the next one goes on without another Job", async () => {
    const killed = new AbortController();
    become = () => {
      setImmediate(() => killed.abort());
      return "running";
    };
    const args = ["--env", "dev", "--service", `link=${one}`, "--unverified"];
    const { error } = await run(release, args, killed.signal);
    expect(error).toMatch(
      /interrupted while waiting for the migration of link, which goes on; its release record was not/,
    );
    expect(link()).toBe(initialRecord("link"));
    become = () => "succeeded";
    expect((await released(one)).error).toBe("");
    expect(newest()?.attempt).toBe(1);
    expect(link()).toBe(harness.pinned("link", one));
  });

  test("doubly started, one Job runs, and both say that it has succeeded", async () => {
    const looks: string[] = [];
    become = (job) => (looks.push(job) < 4 ? "running" : "succeeded");
    const both = await Promise.all([released(one), released(one)]);
    expect(both.map(({ error }) => error)).toEqual(["", ""]);
    expect(subjects().filter((subject) => subject.startsWith("migrate"))).toHaveLength(1);
    expect(subjects().filter((subject) => subject.startsWith("release"))).toHaveLength(1);
  });

  test("two images at a time have their migrations run one after the other", async () => {
    const looks: string[] = [];
    become = (job) => (looks.push(job) && looks.filter((other) => other === job).length < 4 ? "running" : "succeeded");
    const both = await Promise.all([released(one), released(two)]);
    expect(both.map(({ error }) => error)).toEqual(["", ""]);
    // The one that waits is not started before the other one has ended.
    const order = looks.filter((job, index) => looks[index - 1] !== job);
    expect(order).toHaveLength(2);
    expect(newest()?.attempt).toBe(2);
    expect(link()).toContain(newest()?.image.digest ?? "no image");
  });

  test("where Argo CD makes no Job, it says so", async () => {
    become = () => undefined;
    const { error } = await released(one, "--migration-wait", "1s");
    expect(error).toContain(
      `link: the migration to sha256:111111111111 has not succeeded: it has not ended: Job ${jobOf(one, 1)} in shop-dev, of sha256:111111111111: Argo CD has not made it`,
    );
    expect(link()).toBe(initialRecord("link"));
  });

  test("where no cluster can be asked, nothing of the service changes", async () => {
    const environment = { DELIVERY_KUBECONFIG: "no kubeconfig" };
    const args = ["--env", "dev", "--service", `link=${one}`, "--unverified"];
    await expect(harness.run(release, args, { environment })).rejects.toThrow(
      /^link of dev has migrations, and whether they succeed cannot be asked \(DELIVERY_KUBECONFIG is not the content/,
    );
    expect(subjects()).toEqual([]);
  });

  test("the same image has no migration run again", async () => {
    await released(one);
    become = () => "failed";
    expect((await released(one)).output).toBe("dev: nothing to change");
  });
});

describe("promote", () => {
  test("has the migration run in the environment that it promotes to", async () => {
    await released(one);
    expect((await promoted()).error).toBe("");
    expect(newest("staging")).toMatchObject({ image: { digest: one }, attempt: 1 });
    expect(link("staging")).toBe(harness.pinned("link", one));
  });

  test("leaves that as it is where it fails", async () => {
    await released(one);
    become = () => "failed";
    expect((await promoted()).error).toMatch(
      /^staging: not released, and still as before:\n {2}link: the migration to/,
    );
    expect(link("staging")).toBe(initialRecord("link"));
  });
});

describe("rollback", () => {
  test("runs no migration", async () => {
    await released(one);
    await released(two);
    become = () => "failed";
    expect((await rolledBack("dev")).error).toBe("");
    expect(link()).toBe(harness.pinned("link", one, { digest: two }));
    expect(newest()?.image.digest).toBe(two);
  });

  test.each<[what: string, state: State, back: string]>([
    ["has succeeded", "succeeded", two],
    ["has failed, and so may have begun", "failed", one],
  ])("behind a migration with contract is refused when that %s", async (_what, state, back) => {
    await released(one);
    await released(two);
    declare({ contract: true });
    become = () => state;
    await released(three);
    const before = harness.repository.git("rev-parse", "main");
    expect((await rolledBack("dev")).error).toBe(
      `link of dev cannot go back to ${back.slice(0, 19)}: the migration to ${three.slice(0, 19)} takes away what that needs (migrations.contract). Release an image that is mended; or where its data are restored to what they were, run it by \`delivery release --env dev --service link=${back}\`\nNothing was changed`,
    );
    expect(harness.repository.git("rev-parse", "main")).toBe(before);
  });

  test("to what came after that migration goes", async () => {
    declare({ contract: true });
    await released(one);
    declare({ contract: false });
    await released(two);
    expect((await rolledBack("dev")).error).toBe("");
    expect(link()).toContain(one);
  });

  test("behind it is refused where it came by promotion of a later image", async () => {
    await released(one);
    await promoted();
    declare({ contract: true });
    await released(two);
    declare({ contract: false });
    await released(three);
    await promoted();
    expect((await rolledBack("staging")).error).toMatch(
      /^link of staging cannot go back to sha256:1{12}: the migration to sha256:2{12} takes away what that needs/,
    );
  });
});

describe("watch", () => {
  const looked = (): Promise<Outcome> => run(watch, ["--env", "dev", "--once"]);

  test("has a migration run, and releases at a later look", async () => {
    const digest = harness.registry.push("acme/shop-link", "latest");
    become = () => "running";
    await looked();
    expect(newest()?.image.digest).toBe(digest);
    expect(link()).toBe(initialRecord("link"));
    become = () => "succeeded";
    await looked();
    expect(link()).toBe(harness.pinned("link", digest));
  });

  test("does not try a failed one again", async () => {
    harness.registry.push("acme/shop-link", "latest");
    become = () => "failed";
    await looked();
    await looked();
    expect(newest()?.attempt).toBe(1);
    expect(harness.notes.join("\n")).toContain("has failed: exit status 3");
  });
});
