import type { Scalar } from "../config/yaml.ts";
import type { Pipeline, PipelineSource } from "./records.ts";
import type { FoundCommit } from "./source-mirror.ts";

/** Set only for events of some kind; in a config they read as not set elsewhere, rather than as unknown. */
const unset = Object.fromEntries(
  [
    "event.github.after",
    "event.github.ref",
    "event.github.label.name",
    ...["base.ref", "base.sha", "head.ref", "head.sha", "draft", "title", "number", "merged", "url"].map(
      (name) => `event.github.pull_request.${name}`,
    ),
    "schedule.name",
    "schedule.id",
  ].map((name) => [name, null]),
);

/**
 * The pipeline values, without `pipeline.`; `null`: not set for this one.
 * Source: https://circleci.com/docs/variables/#pipeline-values
 *
 * @param baseRevision what was built before on the branch
 */
export function pipelineValues(
  pipeline: Pick<Pipeline, "id" | "number" | "projectSlug" | "trigger">,
  source: PipelineSource,
  found: FoundCommit,
  baseRevision: string | undefined,
): Record<string, Scalar> {
  const { trigger } = pipeline;
  const [owner = "", name = ""] = source.fullName.split("/");
  return {
    ...unset,
    id: pipeline.id,
    number: pipeline.number,
    "definition.id": trigger.definitionId,
    "project.slug": pipeline.projectSlug,
    "project.type": "github",
    "project.git_url": source.cloneUrl.replace(/\.git$/, ""),
    "git.branch": source.branch ?? null,
    "git.branch.is_default": source.branch === source.defaultBranch,
    "git.tag": source.tag ?? null,
    "git.revision": source.revision,
    "git.base_revision": baseRevision ?? null,
    "git.repo_url": source.cloneUrl.replace(/\.git$/, ""),
    "git.repo_owner": owner,
    "git.repo_name": name,
    "git.repo_id": source.repositoryId,
    "git.commit.subject": found.subject,
    "git.commit.body": found.body,
    "config.file_path": trigger.configPath,
    "config.ref": source.branch ?? source.tag ?? null,
    "config.sha": source.revision,
    "trigger.type": trigger.provider,
    "trigger.id": trigger.triggerId ?? null,
    "trigger.received_at": trigger.receivedAt,
    trigger_source: trigger.type,
    "event.name": trigger.event,
    "event.action": trigger.action,
    "event.context.github.pr_url": source.pullRequestUrl ?? null,
    "trigger_parameters.github_app.branch": source.branch ?? null,
    "trigger_parameters.github_app.commit_sha": source.revision,
    "trigger_parameters.github_app.repo_name": name,
    ...trigger.values,
  };
}
