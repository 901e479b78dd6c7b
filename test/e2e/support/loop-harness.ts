import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Job } from "../../../circleci/pipelines.ts";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readWorkloads } from "../../../cli/status/cluster-status.ts";
import { outputOf } from "../../../core/process.ts";
import { parseRecord, recordPath, type ReleaseRecord } from "../../../git/release-record.ts";
import { openRoute } from "../../../sandbox/commands/demo/demo.ts";
import { cloneSource, commitAll, push, type Clone } from "../../../sandbox/commands/demo/developer-clone.ts";
import { circleCiOf, followPipeline } from "../../../sandbox/commands/demo/follow-pipeline.ts";
import type { PipelineEnd } from "../../../sandbox/commands/demo/pipeline-events.ts";
import { up } from "../../../sandbox/commands/up.ts";
import { openSandboxStack } from "../../../sandbox/engine/sandbox-stack.ts";
import { gitUsers } from "../../../sandbox/machine/credentials.ts";
import { sandboxSettings } from "../../../sandbox/machine/endpoints.ts";
import { stopProcess } from "../../../sandbox/machine/process.ts";
import { eventually } from "../../support/eventually.ts";
import { openGitHubAccount, type GitHubAccount } from "./github-account.ts";
import { enterGitOps } from "./enter-gitops.ts";
import type { GitOpsHarness } from "./gitops-harness.ts";

/** The sandbox's own stack as `npm run up` leaves it. */
export interface LoopHarness {
  readonly github: GitHubAccount;
  /** @param repository as owner/name. @default the source repository itself */
  developer(repository?: string): Promise<Developer>;
  /** Waits until nothing of a commit's pipeline runs any more. */
  pipeline(commit: string): Promise<PipelineEnd>;
  /** What one job has written; secrets are masked already. */
  log(end: PipelineEnd, job: string): Promise<string>;
  /** The jobs that have not ended well, and the last that each has written. */
  faults(end: PipelineEnd): Promise<Record<string, string>>;
  /** The release record of a service. */
  record(service: string): ReleaseRecord;
  /** Service → the image that its Deployment wants, and its health. */
  deployed(): Promise<Record<string, string>>;
  /** Waits until the cluster runs what the records say. */
  settle(): Promise<void>;
  /** The tags that the registry has of a service. */
  tags(service: string): Promise<string[]>;
  /** Stops the registry while something happens. */
  withoutRegistry<Result>(work: () => Promise<Result>): Promise<Result>;
  leave(): Promise<void>;
}

const pipelineMinutes = 10;
const lastCharacters = 1_500;
const environment = "sandbox";

/** Starts what `npm run up` starts. */
export async function enterLoop(harness: GitOpsHarness): Promise<LoopHarness> {
  const { stateDir, credentials, kubernetes, repository, sandbox } = harness;
  // `up` imports into an empty repository alone, and other tests have used this one.
  rmSync(join(stateDir, "git", "delinkcious"), { recursive: true, force: true });
  const { outputs } = await up({ stateDir, pods: "auto", report: () => undefined });
  const { sourceRepository = "", githubApi = "", registryHost } = sandbox.endpoints;
  const { ci, rollout } = openRoute(stateDir, outputs, "link");
  const ciRoot = new URL("/", circleCiOf(ci).host);
  const record = (service: string): ReleaseRecord => {
    const path = recordPath(environment, service);
    const found = parseRecord(path, repository.files()[path] ?? "");
    if ("problems" in found) throw new Error(`${path} is faulty: ${found.problems[0]?.message ?? ""}`);
    return found;
  };
  const log = async (end: PipelineEnd, job: string): Promise<string> => {
    const id = end.jobs.find(({ name }) => name === job)?.id ?? "none";
    const response = await fetch(new URL(`output/${id}`, ciRoot), {
      headers: { "Circle-Token": credentials.circleciToken },
    });
    return response.text();
  };
  const deployed = async (): Promise<Record<string, string>> => {
    const location = { app: "delinkcious", environment, namespace: rollout.namespace, argoCdNamespace: "argocd" };
    const found = await readWorkloads(kubernetes, location, AbortSignal.timeout(10_000));
    return Object.fromEntries(found.map(({ service, image, health }) => [service, `${image} ${health}`]));
  };
  return {
    github: openGitHubAccount(githubApi, "delinkcious/delinkcious", credentials.githubToken),
    developer: (fullName = "delinkcious/delinkcious") =>
      openDeveloper({
        url: sourceRepository.replace("delinkcious/delinkcious", fullName),
        user: gitUsers.writer,
        token: credentials.gitWriteToken,
      }),
    pipeline: (commit) => followPipeline(ci, commit, () => {}, AbortSignal.timeout(pipelineMinutes * 60_000)),
    log,
    async faults(end) {
      const faulty = end.jobs.filter(({ status }) => status !== "success");
      const last = async ({ name }: Job): Promise<string> => (await log(end, name)).slice(-lastCharacters);
      return Object.fromEntries(
        await Promise.all(faulty.map(async (job) => [job.name, `${job.status}: ${await last(job)}`] as const)),
      );
    },
    record,
    deployed,
    settle: async () => {
      await eventually("the cluster runs what the release records say", async () =>
        Object.entries(await deployed()).every(([service, state]) =>
          state.endsWith(`@${record(service).image?.digest ?? ""} Healthy`),
        ),
      );
    },
    async tags(service) {
      const login = Buffer.from(`${sandboxSettings().images.username}:${credentials.registryPassword}`).toString(
        "base64",
      );
      const url = `http://${registryHost}/v2/delinkcious/delinkcious-${service}/tags/list`;
      const response = await fetch(url, { headers: { authorization: `Basic ${login}` } });
      if (!response.ok && response.status !== 404) throw new Error(`${url}: ${response.status}`);
      // The registry's answer: https://distribution.github.io/distribution/spec/api/#listing-image-tags
      const { tags } = (await response.json()) as { tags?: string[] | null };
      return (tags ?? []).toSorted();
    },
    async withoutRegistry(work) {
      await stopProcess(stateDir, "registry");
      try {
        return await work();
      } finally {
        // Starts what has been stopped.
        await enterGitOps();
      }
    },
    async leave() {
      await using open = await openSandboxStack({ ...sandbox, stateDir, report: () => undefined });
      await open.stack.destroy();
    },
  };
}

/** Path in the source repository → how its content changes; of a file that is not there, the content is empty. */
export type Edits = Readonly<Record<string, (content: string) => string>>;

/** Somebody with a clone of their own. */
export interface Developer extends Disposable {
  /** Runs `delivery ci-config` in the clone, which then has those edits. */
  regenerate(edits: Edits): Promise<void>;
  /** Commits edits on top of the newest main, and pushes. Returns the commit. */
  push(subject: string, edits: Edits, branch?: string): Promise<string>;
}

/** @param access the repository, and who pushes */
async function openDeveloper(access: Omit<Clone, "directory">): Promise<Developer> {
  const clone: Clone = { ...access, directory: mkdtempSync(join(tmpdir(), "developer-")) };
  await cloneSource(clone);
  return {
    async regenerate(edits) {
      for (const [path, edit] of Object.entries(edits)) rewrite(join(clone.directory, path), edit);
      const command = [join(import.meta.dirname, "../../../cli/delivery.js"), "ci-config", "--env", environment];
      await outputOf(process.execPath, command, { cwd: clone.directory });
    },
    async push(subject, edits, branch) {
      for (const [path, edit] of Object.entries(edits)) rewrite(join(clone.directory, path), edit);
      const commit = await commitAll(clone, subject);
      await push(clone, branch);
      return commit;
    },
    [Symbol.dispose]: () => rmSync(clone.directory, { recursive: true, force: true }),
  };
}

function rewrite(file: string, edit: (content: string) => string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, edit(existsSync(file) ? readFileSync(file, "utf8") : ""));
}
