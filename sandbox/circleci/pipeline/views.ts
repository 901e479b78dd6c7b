import type { Json } from "../router.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";

/** Pipelines, workflows and jobs as the API shows them. Source: https://circleci.com/docs/api/v2/ */
export function pipelineView({ source, trigger, values, ...pipeline }: Pipeline): Json {
  const url = source.cloneUrl.replace(/\.git$/, "");
  return {
    id: pipeline.id,
    number: pipeline.number,
    project_slug: pipeline.projectSlug,
    state: pipeline.state,
    errors: pipeline.errors.map(({ type, message }) => ({ type, message })),
    created_at: pipeline.createdAt,
    updated_at: pipeline.updatedAt,
    trigger: {
      type: trigger.type,
      received_at: trigger.receivedAt,
      actor: { login: trigger.type === "webhook" ? source.fullName.split("/")[0] : "sandbox", avatar_url: null },
    },
    trigger_parameters: pipeline.parameters,
    vcs: {
      provider_name: "GitHub",
      target_repository_url: url,
      origin_repository_url: source.fork?.cloneUrl.replace(/\.git$/, "") ?? url,
      branch: source.branch,
      tag: source.tag,
      revision: source.revision,
      review_url: source.pullRequestUrl,
      commit: { subject: values["git.commit.subject"] ?? "", body: values["git.commit.body"] ?? "" },
    },
  };
}

export function workflowView(pipeline: Pipeline, workflow: Workflow): Json {
  return {
    id: workflow.id,
    name: workflow.name,
    status: workflow.status,
    tag: workflow.tag ?? undefined,
    pipeline_id: pipeline.id,
    pipeline_number: pipeline.number,
    project_slug: pipeline.projectSlug,
    created_at: workflow.createdAt,
    stopped_at: workflow.stoppedAt ?? null,
  };
}

export function workflowJobView({ projectSlug }: Pipeline, { jobs }: Workflow, job: Job): Json {
  const isApproval = job.definition === undefined;
  return {
    id: job.id,
    name: job.name,
    type: isApproval ? "approval" : "build",
    status: job.status,
    job_number: job.number,
    project_slug: projectSlug,
    dependencies: job.requires.flatMap(({ job: name }) =>
      jobs.filter((other) => other.name === name).map(({ id }) => id),
    ),
    started_at: job.startedAt ?? null,
    stopped_at: job.stoppedAt ?? null,
    approval_request_id: isApproval && job.status === "on_hold" ? job.id : undefined,
  };
}

export function jobView(pipeline: Pipeline, workflow: Workflow, job: Job, url: string, project: Json): Json {
  const { startedAt, stoppedAt } = job;
  return {
    name: job.name,
    number: job.number,
    status: job.status,
    web_url: url,
    project,
    pipeline: { id: pipeline.id },
    latest_workflow: { id: workflow.id, name: workflow.name },
    executor: { type: "docker", resource_class: job.definition?.resource_class ?? "medium" },
    contexts: job.contexts.map((name) => ({ name })),
    parallelism: 1,
    parallel_runs: [{ index: 0, status: job.status }],
    created_at: workflow.createdAt,
    queued_at: job.queuedAt ?? null,
    started_at: startedAt ?? null,
    stopped_at: stoppedAt ?? null,
    duration: startedAt === undefined || stoppedAt === undefined ? null : Date.parse(stoppedAt) - Date.parse(startedAt),
    messages: job.message === undefined ? [] : [{ type: "error", message: job.message }],
  };
}

/** The form of API v1.1, which alone tells a job's steps. Source: https://circleci.com/docs/api/v1/ (single job) */
export function stepsView(pipeline: Pipeline, workflow: Workflow, job: Job, url: string): Json {
  return {
    build_num: job.number,
    build_url: url,
    status: job.status,
    branch: pipeline.source.branch,
    vcs_revision: pipeline.source.revision,
    subject: pipeline.values["git.commit.subject"] ?? "",
    workflows: { job_name: job.name, job_id: job.id, workflow_id: workflow.id, workflow_name: workflow.name },
    steps: job.steps.map((step, index) => ({
      name: step.name,
      actions: [
        {
          index: 0,
          step: index,
          name: step.name,
          type: step.type,
          status: step.status,
          failed: step.status === "failed" ? true : null,
          exit_code: step.exitCode ?? null,
          start_time: step.startedAt,
          end_time: step.stoppedAt ?? null,
          run_time_millis:
            step.stoppedAt === undefined ? null : Date.parse(step.stoppedAt) - Date.parse(step.startedAt),
          has_output: true,
          output_url: `${url}/${index}`,
        },
      ],
    })),
  };
}
