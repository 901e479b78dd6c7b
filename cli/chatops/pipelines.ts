import { circleCiHost, circleCiTokenVariable, type CircleCiAccess } from "../../circleci/api.ts";
import type { Job } from "../../circleci/pipelines.ts";
import { deliveringWorkflow, pipelineOf, rerunWorkflow, startPipeline } from "../../circleci/reruns.ts";
import { contextName } from "../../core/names.ts";
import { shortCommit } from "../../git/records.ts";
import { projectSlugOf } from "../status/ci-status.ts";
import { Refusal } from "./answers.ts";
import type { ChatRepository, ChatRequest } from "./chat-context.ts";

interface CircleCiProject {
  readonly access: CircleCiAccess;
  readonly slug: string;
}

/** Whose pipeline, and where it runs. */
type PipelineRequest = Pick<ChatRequest, "project" | "environments" | "context" | "pullRequest"> & {
  readonly repository: Pick<ChatRepository, "name">;
};

const requestSeconds = 60;

/** What starts a pull request's pipeline where no command can. */
export const startedElsewhere = {
  tekton: "comment /test, which Pipelines-as-Code reads",
  travis: "restart its build at Travis CI",
} as const;

/** What runs the pipeline, as the first stack file says. */
export function engineOf({
  project,
  environments,
}: Pick<ChatRequest, "project" | "environments">): "circleci" | keyof typeof startedElsewhere {
  const [engine = "circleci"] = environments.map((name) => project.stackFile(name).read("ci").ci.engine);
  return engine;
}

/**
 * The pull request's pipeline anew, of what its branch has: it sees labels that have changed.
 * @returns a sentence
 * @throws Refusal for a fork, whose owner may have pushed anything since, and whom nobody has vouched for
 */
export async function runAgain(request: PipelineRequest): Promise<string> {
  if (isFork(request))
    throw new Refusal("it comes from a fork, and what that has by now, nobody has vouched for: `ok-to-test` does");
  const { access, slug } = await circleCiProject(request);
  const branch = request.pullRequest.head.ref;
  const started = await startPipeline(access, slug, branch, AbortSignal.timeout(requestSeconds * 1000));
  return `pipeline #${started} of ${branch} is started`;
}

/**
 * The jobs of the pull request's pipeline again, of the very commit that it had.
 * @param service only its jobs. @default all
 * @returns a sentence
 */
export async function rerun(request: PipelineRequest, service: string | undefined): Promise<string> {
  const { head, number } = request.pullRequest;
  const { access, slug } = await circleCiProject(request);
  const signal = AbortSignal.timeout(requestSeconds * 1000);
  const branch = isFork(request) ? `pull/${number}` : head.ref;
  const pipeline = await pipelineOf(access, slug, branch, head.sha, signal);
  const workflow = pipeline && (await deliveringWorkflow(access, pipeline.id, signal));
  if (pipeline === undefined || workflow === undefined)
    throw new Refusal(
      `CircleCI has no pipeline with jobs for ${shortCommit(head.sha)} of ${branch}; push, or wait for it`,
    );
  const jobs = service === undefined ? undefined : jobsOfService(workflow.jobs, service);
  if (jobs?.length === 0)
    throw new Refusal(
      `pipeline #${pipeline.number} has no job for ${service}: the pull request does not change it, or it shares a job; without a service, all jobs run again`,
    );
  await rerunWorkflow(access, workflow.id, jobs, signal);
  return `${service === undefined ? "all jobs" : `the jobs of ${service}`} of pipeline #${pipeline.number} run again, for ${shortCommit(head.sha)}`;
}

function jobsOfService(jobs: readonly Job[], service: string): readonly string[] {
  const names = new Set(["prepare", "test", "build"].map((kind) => `${kind}-${service}`));
  return jobs.flatMap(({ id, name }) => (names.has(name) ? [id] : []));
}

function isFork({ pullRequest, repository }: PipelineRequest): boolean {
  return pullRequest.head.repository !== repository.name;
}

/** The project of the first stack file that tells it. */
async function circleCiProject({ project, environments, context }: PipelineRequest): Promise<CircleCiProject> {
  const signal = AbortSignal.timeout(requestSeconds * 1000);
  const engine = engineOf({ project, environments });
  if (engine !== "circleci")
    throw new Refusal(
      `commands start pipelines at CircleCI alone so far, and ci.engine is ${engine}: ${startedElsewhere[engine]}`,
    );
  const token = context.environment[circleCiTokenVariable];
  if (token === undefined || token === "")
    throw new Refusal(
      `whoever listens has no ${circleCiTokenVariable}, without which CircleCI cannot be asked to run anything`,
    );
  for (const name of environments) {
    const { app, environment = name, ci } = project.stackFile(name).read("app", "environment", "ci");
    const access = { host: ci.host ?? circleCiHost, token };
    const { organizationId, projectSlug } = ci;
    const location = { ...access, organizationId, projectSlug, context: contextName(app.name, environment) };
    const slug = await projectSlugOf(location, signal);
    if (slug !== undefined) return { access, slug };
  }
  throw new Refusal("no stack file tells CircleCI's project; set ci.projectSlug");
}
