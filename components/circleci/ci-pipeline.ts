import * as circleci from "@pulumi/circleci/bin/index.js";
import type * as pulumi from "@pulumi/pulumi";

/** When the pipeline runs without a push, and what it does then. */
export interface CiSchedule {
  /** The parameter of `.circleci/config.yml` that is set. */
  name: "drift" | "resume";
  /** Five fields of cron, in UTC. */
  schedule: string;
  branch: string;
}

/**
 * The events that run the pipeline. A pull request that is opened, or gets the label `run-ci`, changes what its branch's
 * pipeline does, without a push. Source: https://circleci.com/docs/guides/orchestrate/github-trigger-event-options/
 */
const events = [
  { suffix: "", eventPreset: "all-pushes" },
  { suffix: "-opened", eventPreset: "only-open-prs" },
  { suffix: "-labelled", eventPreset: "only-labeled-prs" },
];

/**
 * Runs `.circleci/config.yml` when something happens to the repository, through CircleCI's GitHub App.
 * @param repositoryId GitHub's numeric id of the repository
 */
export function ciPipeline(
  name: string,
  project: circleci.Project,
  repositoryId: string,
  { schedules, deployMarkers = false }: { schedules: readonly CiSchedule[]; deployMarkers?: boolean | undefined },
  own: pulumi.CustomResourceOptions,
): void {
  const source = {
    projectId: project.id,
    checkoutSourceProvider: "github_app",
    checkoutSourceRepoExternalId: repositoryId,
    configSourceProvider: "github_app",
    configSourceRepoExternalId: repositoryId,
  };
  // The provider looks for the old pipeline in the new project, and never sends where the configuration comes from.
  const fixed = { ...own, replaceOnChanges: ["projectId", "configSourceProvider", "configSourceRepoExternalId"] };
  const pipeline = new circleci.Pipeline(
    name,
    {
      name: "push",
      description: "Tests, builds and releases what a push changes",
      ...source,
      configSourceFilePath: ".circleci/config.yml",
    },
    fixed,
  );
  if (deployMarkers)
    new circleci.Pipeline(
      `${name}-rollback`,
      {
        name: "rollback",
        description: "Rolls back what somebody has chosen among the deploys; nothing else starts it",
        ...source,
        configSourceFilePath: ".circleci/rollback.yml",
      },
      fixed,
    );
  const ofPipeline = { projectId: project.id, pipelineId: pipeline.id, disabled: false };
  // The provider looks for the old trigger in the new project, and cannot move it to another pipeline.
  const placed = { ...own, replaceOnChanges: ["projectId", "pipelineId", "eventSourceProvider"] };
  // After an update, the provider notes these as empty texts, which differ from what is not set, at every further update.
  const ignoreChanges = ["checkoutRef", "configRef", "eventSourceScheduleAttributionActor"];
  for (const { suffix, eventPreset } of events) {
    new circleci.Trigger(
      `${name}${suffix}`,
      {
        ...ofPipeline,
        eventSourceProvider: "github_app",
        eventSourceRepoExternalId: repositoryId,
        eventPreset,
      },
      { ...placed, ignoreChanges },
    );
  }
  for (const { name: purpose, schedule, branch } of schedules) {
    new circleci.Trigger(
      `${name}-${purpose}`,
      {
        ...ofPipeline,
        eventSourceProvider: "schedule",
        eventSourceScheduleCronExpression: schedule,
        // Nobody's own account: it stays when people go.
        eventSourceScheduleAttributionActor: "system",
        eventName: purpose,
        checkoutRef: branch,
        configRef: branch,
        parameters: { [purpose]: true },
      },
      placed,
    );
  }
}
