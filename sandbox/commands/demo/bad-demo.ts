import { setTimeout as sleep } from "node:timers/promises";
import { openGitHubChat } from "../../../cli/github/chat.ts";
import { openGitHub, type GitHub } from "../../../cli/github/github.ts";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { shortDigest } from "../../../git/records.ts";
import type { Rejection } from "../../../git/release-record.ts";
import { listAt, numberAt, stringAt } from "../../../kubernetes/object.ts";
import { ensureCredentials, gitUsers } from "../../machine/credentials.ts";
import { loadEndpoints, sandboxProject, sandboxSettings } from "../../machine/endpoints.ts";
import { demandProof } from "../../machine/proof.ts";
import { chosenMonorepo } from "../../monorepo/choice.ts";
import { takeStackFile } from "../../stand-ins/source-repository.ts";
import { noteOutput, type Report } from "../progress.ts";
import { up } from "../up.ts";
import { cloneSource, commitAll, commitEdits, hasChanges, pullMain, push, type Clone } from "./developer-clone.ts";
import { openRoute, type DemoOptions } from "./demo.ts";
import { badEdit } from "./edit.ts";
import { followCanary, type CanaryEvent } from "./follow-canary.ts";
import { describeEvent, releaseOf, untilRolledOut, type Route } from "./follow-commit.ts";
import { followPipeline } from "./follow-pipeline.ts";
import type { PipelineEnd, PipelineEvent } from "./pipeline-events.ts";
import { Visitors } from "./visitors.ts";

const limitMilliseconds = 10 * 60_000;
const pollMilliseconds = 200;

/**
 * Shows a commit whose pods become bad once they run: its canary is stopped while it has a quarter of them, it is taken back in
 * Git, and the pull request that it came by says why. Starts the sandbox if need be.
 */
export async function badDemo({ stateDir, pods, ci, report }: DemoOptions): Promise<void> {
  if (chosenMonorepo(stateDir) !== undefined)
    throw new Error("--bad: is for the example, which it knows how to break; `npm run down`, and run it again");
  await demandProof(stateDir);
  const { outputs } = await up({ stateDir, pods, ci, report });
  const { sourceRepository: url, githubApi: api } = loadEndpoints(stateDir) ?? {};
  if (url === undefined || api === undefined)
    throw new Error("stacks/Pulumi.sandbox.yaml: delivery: the demo needs gitops; set it, and run `npm run up` again");
  const route = openRoute(stateDir, outputs, badEdit.service);
  await assertPodsRun(route);
  using directory = temporaryDirectory("delivery-demo-");
  const { gitWriteToken, githubToken } = ensureCredentials(stateDir);
  const clone = { url, user: gitUsers.writer, token: gitWriteToken, directory: directory.path };
  const { repository } = sandboxSettings(sandboxProject(stateDir)).github;
  const access = { api, repository, token: githubToken };
  await cloneSource(clone);
  const start = Date.now();
  const print: Print = (part, line) => {
    noteOutput();
    console.log(`${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s  ${part.padEnd(10)}  ${line}`);
  };
  const printEvent = (event: Parameters<typeof describeEvent>[0]): void => {
    noteOutput();
    console.log(`${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s  ${describeEvent(event)}`);
  };
  const signal = AbortSignal.timeout(limitMilliseconds);
  const following = { route, clone, stateDir, print, printEvent, report, signal };
  await haveReleasesProveThemselves(following);
  const { number, commit } = await mergeBadCommit(access, following);
  await followBadCommit(commit, following);
  await showPullRequest(openGitHub(access), number, commit, print);
  await revert(following);
  print("Look", "the picture of what was measured: npm run -s status -- --html status.html");
  print("done", "");
}

type Print = (part: string, line: string) => void;

interface Following {
  readonly route: Route;
  readonly clone: Clone;
  readonly stateDir: string;
  readonly print: Print;
  readonly printEvent: (event: Parameters<typeof describeEvent>[0]) => void;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Pods that are simulated answer nobody, whatever they run. */
async function assertPodsRun({ rollout: { kubernetes } }: Route): Promise<void> {
  const nodes = listAt(await kubernetes.request("GET", "/api/v1/nodes"), "items");
  if (nodes.some((node) => stringAt(node, "metadata", "annotations", "kwok.x-k8s.io/node") !== undefined))
    throw new Error("--bad: pods are simulated here, and can prove nothing; run it as root, where pods can run");
}

/** The first time, the clone takes over the stack file with `verify`, and a pipeline with a job for it. */
async function haveReleasesProveThemselves({
  stateDir,
  clone,
  route,
  print,
  printEvent,
  report,
  signal,
}: Following): Promise<void> {
  await takeStackFile(stateDir, clone.directory);
  if (!(await hasChanges(clone))) return;
  report("What is released is to prove itself");
  const commit = await commitAll(clone, "What is released proves itself");
  print(
    "Developer",
    `commit ${commit.slice(0, 12)} sets verify in the stack file, and a canary: of ${badEdit.service}, one pod of four gets a new image first`,
  );
  await push(clone);
  const end = await followPipeline(route.ci, commit, printEvent, signal);
  if (end.status !== "success") throw new Error(`${end.name} ended with ${end.status}`);
}

async function mergeBadCommit(
  access: { readonly api: string; readonly repository: string; readonly token: string },
  { clone, print, report }: Following,
): Promise<{ readonly number: number; readonly commit: string }> {
  report("A commit that is bad once it runs");
  const head = await commitEdits(clone, badEdit.edits, badEdit.subject);
  const branch = `overview-${head.slice(0, 7)}`;
  print(
    "Developer",
    `commit ${head.slice(0, 12)} changes ${badEdit.file}: its pods answer 40 requests, then with errors, and stay ready`,
  );
  await push(clone, branch);
  const { number } = await openGitHub(access).createPullRequest({
    title: badEdit.subject,
    body: "",
    head: branch,
    base: "main",
  });
  const message = { title: `${badEdit.subject} (#${number})`, body: "" };
  const commit = await openGitHubChat(access).merge(number, head, message);
  if (commit === undefined) throw new Error(`GitHub does not merge pull request #${number}`);
  print("GitHub", `pull request #${number} is merged: main is at ${commit.slice(0, 12)}`);
  return { number, commit };
}

/** Its pods are followed beside its pipeline, until those of the version before are all that is left. */
async function followBadCommit(commit: string, following: Following): Promise<void> {
  const { route, printEvent, signal } = following;
  const good = (await releaseOf(route))?.image?.digest ?? "";
  const ended = new AbortController();
  const released = Promise.withResolvers<void>();
  const onEvent = (event: PipelineEvent): void => {
    printEvent(event);
    if (event.kind === "ended" && event.job.name.startsWith("release-")) released.resolve();
  };
  const canary = released.promise.then(() =>
    showCanary(commit, good, { ...following, signal: AbortSignal.any([signal, ended.signal]) }),
  );
  const pipeline = followPipeline(route.ci, commit, onEvent, signal).then(assertVerificationFailed);
  pipeline.catch((error: unknown) => {
    ended.abort(error);
    released.reject(error);
  });
  // The failure of the pipeline is the cause where both fail.
  const [piped, shown] = await Promise.allSettled([pipeline, canary]);
  if (piped.status === "rejected") throw piped.reason;
  if (shown.status === "rejected") throw shown.reason;
}

function assertVerificationFailed({ name, status, jobs }: PipelineEnd): void {
  if (!jobs.some((job) => job.name.startsWith("verify-") && job.status === "failed"))
    throw new Error(`${name} ended with ${status}, and not because the image has failed to prove itself`);
}

/** From the release to the end of the bad pods, with those who use the service meanwhile. */
async function showCanary(commit: string, good: string, following: Following): Promise<void> {
  const { route, print, signal } = following;
  const bad = await untilReleased(route, commit, signal);
  print("Git", `released ${shortDigest(good)} → ${shortDigest(bad)}`);
  await using visitors = new Visitors(await pageOf(route));
  const end = await followCanary(route.rollout, bad, (event) => print(...describeCanary(event)), signal);
  if (end === "runs") throw new Error(`${shortDigest(bad)} runs on all pods: its canary was not stopped`);
  await showTakenBack(good, following);
  print("Visitors", visitors.summary());
}

async function untilReleased(route: Route, commit: string, signal: AbortSignal): Promise<string> {
  for (;;) {
    const now = await releaseOf(route);
    if (now?.sourceCommit === commit && now.image !== undefined) return now.image.digest;
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

/** This machine reaches the addresses of Services. */
async function pageOf({ rollout: { kubernetes, namespace, service } }: Route): Promise<string> {
  const found = await kubernetes.request("GET", `/api/v1/namespaces/${namespace}/services/${service}`);
  const [port] = listAt(found, "spec", "ports");
  return `http://${stringAt(found, "spec", "clusterIP")}:${numberAt(port ?? {}, "port")}/`;
}

function describeCanary(event: CanaryEvent): [part: string, line: string] {
  switch (event.kind) {
    case "declared":
      return ["Argo CD", "the Rollout has the new image"];
    case "at":
      return ["Rollouts", event.step];
    case "measured":
      return ["Metrics", event.detail];
    case "stopped":
      return ["Rollouts", `stopped, the version before gets all pods again: ${event.reason}`];
  }
}

async function showTakenBack(good: string, { route, print, signal }: Following): Promise<void> {
  const rejected = await untilRejected(route, good, signal);
  print("Git", `taken back ${shortDigest(rejected.digest)} → ${shortDigest(good)}: ${rejected.reason ?? ""}`);
  const pods = await untilRolledOut(route.rollout, good, signal);
  print("Kubernetes", `only pods of ${shortDigest(good)} are left, and ready: ${pods.join(", ")}`);
}

async function untilRejected(route: Route, good: string, signal: AbortSignal): Promise<Rejection> {
  for (;;) {
    const now = await releaseOf(route);
    if (now?.image?.digest === good && now.rejected !== undefined) return now.rejected;
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

async function showPullRequest(github: GitHub, number: number, commit: string, print: Print): Promise<void> {
  const said = (await github.comments(number)).find(({ body }) => body?.includes("## Failed in"));
  if (said === undefined) throw new Error(`pull request #${number} does not say that ${commit} has failed`);
  print("GitHub", `pull request #${number} says:`);
  for (const line of (said.body ?? "").split("\n"))
    if (line.trim() !== "" && !line.startsWith("<!--")) console.log(`${" ".repeat(23)}${line}`);
}

/** The next commit starts from what runs. */
async function revert({ clone, print }: Following): Promise<void> {
  await pullMain(clone);
  const commit = await commitEdits(clone, badEdit.undo, `Revert "${badEdit.subject}"\n\n[skip ci]`);
  await push(clone);
  print("Developer", `commit ${commit.slice(0, 12)} reverts it: the next one starts from what runs`);
}
