import { openGitHubChat } from "../../../cli/github/chat.ts";
import { openGitHub, type GitHub } from "../../../cli/github/github.ts";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { shortDigest } from "../../../git/records.ts";
import { listAt, stringAt } from "../../../kubernetes/object.ts";
import { ensureCredentials, gitUsers } from "../../machine/credentials.ts";
import { loadEndpoints, sandboxProject, sandboxSettings } from "../../machine/endpoints.ts";
import { demandProof } from "../../machine/proof.ts";
import { chosenMonorepo } from "../../monorepo/choice.ts";
import { takeStackFile } from "../../stand-ins/source-repository.ts";
import { noteOutput, type Report } from "../progress.ts";
import { up } from "../up.ts";
import { cloneSource, commitAll, commitEdit, hasChanges, pullMain, push, type Clone } from "./developer-clone.ts";
import { openRoute, type DemoOptions } from "./demo.ts";
import { badEdit } from "./edit.ts";
import { describeEvent, followRelease, releaseOf, untilRolledOut, type Route } from "./follow-commit.ts";
import { followPipeline } from "./follow-pipeline.ts";
import type { PipelineEnd, PipelineEvent } from "./pipeline-events.ts";

const limitMilliseconds = 10 * 60_000;

/**
 * Shows a commit whose pods become bad once they run: what is released has to prove itself, is taken back in Git, and the pull
 * request that it came by says why. Starts the sandbox if need be.
 */
export async function badDemo({ stateDir, pods, ci, report }: DemoOptions): Promise<void> {
  if (chosenMonorepo(stateDir) !== undefined)
    throw new Error("--bad: is for the example, which it knows how to break; `npm run down`, and run it again");
  demandProof(stateDir);
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
  const good = (await releaseOf(route))?.image?.digest ?? "";
  const end = await followBadCommit(commit, following);
  if (!end.jobs.some(({ name, status }) => name.startsWith("verify-") && status === "failed"))
    throw new Error(`${end.name} ended with ${end.status}, and not because the image has failed to prove itself`);
  await showTakenBack(good, following);
  await showPullRequest(openGitHub(access), number, commit, print);
  await revert(following);
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
    `commit ${commit.slice(0, 12)} sets verify in the stack file: pods must be well for half a minute`,
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
  const head = await commitEdit(clone, badEdit.file, badEdit.change, badEdit.subject);
  const branch = `store-${head.slice(0, 7)}`;
  print(
    "Developer",
    `commit ${head.slice(0, 12)} changes ${badEdit.file}: after some seconds, its pods are not ready any more`,
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

/** What is seen of the release ends with the pipeline, whether it was rolled out by then or not. */
async function followBadCommit(commit: string, { route, printEvent, signal }: Following): Promise<PipelineEnd> {
  const before = await releaseOf(route);
  const over = new AbortController();
  const released = Promise.withResolvers<void>();
  const onEvent = (event: PipelineEvent): void => {
    printEvent(event);
    if (event.kind === "ended" && event.job.name.startsWith("release-")) released.resolve();
  };
  const rollout = released.promise.then(() =>
    followRelease(route, commit, before, printEvent, AbortSignal.any([signal, over.signal])),
  );
  try {
    return await followPipeline(route.ci, commit, onEvent, signal);
  } finally {
    over.abort();
    released.resolve();
    await Promise.allSettled([rollout]);
  }
}

async function showTakenBack(good: string, { route, print, signal }: Following): Promise<void> {
  const now = await releaseOf(route);
  if (now?.image?.digest !== good || now.rejected === undefined)
    throw new Error(`the release record does not say that the image was taken back: it runs ${now?.image?.digest}`);
  print("Git", `taken back ${shortDigest(now.rejected.digest)} → ${shortDigest(good)}: ${now.rejected.reason ?? ""}`);
  const pods = await untilRolledOut(route.rollout, good, signal);
  print("Kubernetes", `only pods of what ran before are left, and ready: ${pods.join(", ")}`);
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
  const commit = await commitEdit(clone, badEdit.file, badEdit.undo, `Revert "${badEdit.subject}"\n\n[skip ci]`);
  await push(clone);
  print("Developer", `commit ${commit.slice(0, 12)} reverts it: the next one starts from what runs`);
}
