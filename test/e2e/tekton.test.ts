import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { listAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { openRoute } from "../../sandbox/commands/demo/demo.ts";
import { cloneSource, commitEdits, push, type Clone } from "../../sandbox/commands/demo/developer-clone.ts";
import { exampleEdit } from "../../sandbox/commands/demo/edit.ts";
import { followCommit, releaseOf, type Route } from "../../sandbox/commands/demo/follow-commit.ts";
import { followPipeline } from "../../sandbox/commands/demo/follow-pipeline.ts";
import type { PipelineEvent } from "../../sandbox/commands/demo/pipeline-events.ts";
import { ciAddress } from "../../sandbox/commands/status.ts";
import { up } from "../../sandbox/commands/up.ts";
import { openSandboxStack } from "../../sandbox/engine/sandbox-stack.ts";
import { chooseCiEngine } from "../../sandbox/machine/ci-engine.ts";
import { gitUsers } from "../../sandbox/machine/credentials.ts";
import { runningPid } from "../../sandbox/machine/process.ts";
import { webhookSignature } from "../../sandbox/stand-ins/secrets.ts";
import { stopSandbox } from "../../sandbox/commands/start-sandbox.ts";
import { eventually } from "../support/eventually.ts";
import { openGitHubAccount, type GitHubAccount } from "./support/github-account.ts";
import { enterGitOps } from "./support/enter-gitops.ts";
import type { GitOpsHarness } from "./support/gitops-harness.ts";
import { exposedSockets } from "./support/listening-sockets.ts";

const minutes = 60_000;
const status = "Pipelines as Code CI / deliver-";

/** The pipeline that Tekton runs, with its real controller, in pods of the cluster. The tests build on each other. */
describe("a commit by Tekton", () => {
  let harness: GitOpsHarness;
  let github: GitHubAccount;
  let clone: Clone;
  let route: Route;
  let first: string;

  beforeAll(async () => {
    const stateDir = inject("stateDir");
    // Of the sandbox that other tests have used, nothing stays but the tools.
    await stopSandbox(stateDir);
    chooseCiEngine(stateDir, "tekton", false);
    const { outputs } = await up({ stateDir, pods: "auto", report: () => undefined });
    harness = await enterGitOps();
    const { sourceRepository: url = "", githubApi = "" } = harness.sandbox.endpoints;
    const { gitWriteToken: token, githubToken } = harness.credentials;
    github = openGitHubAccount(githubApi, "delinkcious/delinkcious", githubToken);
    clone = { url, user: gitUsers.writer, token, directory: mkdtempSync(join(tmpdir(), "developer-")) };
    await cloneSource(clone);
    route = openRoute(stateDir, outputs, exampleEdit.service);
  });

  afterAll(async () => {
    rmSync(clone.directory, { recursive: true, force: true });
    await using open = await openSandboxStack({
      ...harness.sandbox,
      stateDir: harness.stateDir,
      report: () => undefined,
    });
    await open.stack.destroy();
    // The next tests have CircleCI.
    await stopSandbox(harness.stateDir);
  });

  const edit = async (): Promise<string> => {
    const commit = await commitEdits(clone, [exampleEdit], exampleEdit.subject);
    await push(clone);
    return commit;
  };
  const runs = async (namespace: string): Promise<KubernetesObject[]> =>
    listAt(
      await harness.kubernetes.request("GET", `/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns`),
      "items",
    );
  const releases = (): string[] =>
    harness.repository
      .git("log", "--format=%s", "main")
      .split("\n")
      .filter((subject) => subject.includes("release"));

  test("is tested, built, released and runs, by pods of that alone which it changes; its status says so", async () => {
    const ended: string[] = [];
    const onEvent = (event: { kind: string } | PipelineEvent): void => {
      if (event.kind === "ended" && "job" in event) ended.push(`${event.job.name} ${event.job.status}`);
    };
    first = await edit();
    await followCommit(route, first, onEvent, AbortSignal.timeout(5 * minutes));
    expect(ended.toSorted()).toEqual([
      "build-link success",
      "delivery success",
      "publish-state-sandbox success",
      "release-sandbox success",
      "test-link success",
      "tidy-preview-environments success",
    ]);
    expect((await releaseOf(route))?.sourceCommit).toBe(first);
    await eventually("the commit has its one status", async () => {
      const statuses = await github.statuses(first);
      expect(statuses).toEqual({ [status]: "success" });
      return true;
    });
  });

  test("no stand-in for CircleCI runs, and nobody names one", () => {
    expect(runningPid(harness.stateDir, "circleci")).toBeUndefined();
    expect(ciAddress(harness.sandbox.endpoints)).toContain("Tekton");
    expect(harness.sandbox.endpoints.circleci).toBeUndefined();
  });

  test("nothing listens beyond this machine", () => {
    expect(exposedSockets(harness.stateDir)).toEqual([]);
  });

  test("its webhook sent a second time starts a second run, which has nothing to do", async () => {
    const before = releases();
    const { githubApi = "", sourceRepository = "" } = harness.sandbox.endpoints;
    const body = JSON.stringify({
      ref: "refs/heads/main",
      after: first,
      head_commit: { message: "again" },
      repository: {
        html_url: `${githubApi}/delinkcious/delinkcious`,
        full_name: "delinkcious/delinkcious",
        clone_url: sourceRepository,
        default_branch: "main",
      },
    });
    const answer = await fetch(harness.sandbox.endpoints.pipelinesAsCode ?? "", {
      method: "POST",
      headers: {
        "x-github-event": "push",
        "x-hub-signature-256": webhookSignature(harness.credentials.githubWebhookSecret, body),
      },
      body,
    });
    expect(answer.status).toBe(202);
    const end = await followPipeline(route.ci, first, () => undefined, AbortSignal.timeout(3 * minutes));
    expect([end.status, end.jobs.filter(({ name }) => name.startsWith("release")).length]).toEqual(["success", 1]);
    expect(releases()).toEqual(before);
    expect((await runs("delinkcious-ci")).length).toBe(2);
  });

  test("a controller that is killed in the middle goes on when it is back: nothing is lost, nothing released twice", async () => {
    const before = releases();
    const commit = await edit();
    const building = Promise.withResolvers<void>();
    const onEvent = (event: PipelineEvent): void => {
      if (event.kind === "started" && event.job.name === "build-link") building.resolve();
    };
    const end = followPipeline(route.ci, commit, onEvent, AbortSignal.timeout(5 * minutes));
    await Promise.race([building.promise, end]);
    process.kill(runningPid(harness.stateDir, "tekton-controller") ?? 0, "SIGKILL");
    await enterGitOps();
    expect((await end).status).toBe("success");
    expect((await releaseOf(route))?.sourceCommit).toBe(commit);
    expect(releases().length - before.length).toBe(1);
    for (const run of await runs("delinkcious-ci-deliver"))
      expect([nameOf(run), stringAt(run, "status", "completionTime") !== undefined]).toEqual([nameOf(run), true]);
  });
});
