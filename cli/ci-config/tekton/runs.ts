import { ciAccount, ciNamespace, pullSecretName, type CiWall } from "../../../core/names.ts";
import { runVariables } from "../../ci-run.ts";
import { CommandError } from "../../command.ts";
import { quoteForShell } from "../../../core/shell.ts";
import { jobFunctions } from "../job-functions.ts";
import type { Pipeline, TriggerKind } from "../pipeline.ts";
import { happens, pipelineJobs } from "../pipeline-jobs.ts";
import { word } from "../steps.ts";
import type { PipelineRun, PipelineTask } from "./objects.ts";
import { checkoutStep, scriptInSource, stepVariables, taskVolumes, workingDir, type Source } from "./source.ts";
import { functionsFile, sharedWorkspace, tasksOf } from "./tasks.ts";

export function wallOf(trigger: TriggerKind): CiWall {
  if (trigger === "review-of-fork") return "forks";
  return trigger === "review" || trigger === "review-with-environment" ? "review" : "deliver";
}

export const triggerLabel = "delivery/trigger";

/** How long a run may take; one that waits for it ends after it. */
const runHours = 12;
const startingHours = runHours + 1;

/** Most of what the API server takes of an object is the status, in which Tekton repeats the specification. */
const longest = 500_000;
/** As many services as have room for their digests in a task's results, where their names are no longer than most are. */
const mostPerJob = 16;

/**
 * The run of what has changed.
 * @throws CommandError where it would be more than Tekton takes, or a job none that it takes
 */
export function pipelineRun(trigger: TriggerKind, pipeline: Pipeline, source: Source, perJob = 1): PipelineRun {
  const jobs = pipelineJobs(trigger, { pipeline, perJob, approvals: false });
  const tasks = tasksOf(jobs, pipeline, source);
  const run: PipelineRun = {
    apiVersion: "tekton.dev/v1",
    kind: "PipelineRun",
    metadata: {
      generateName: `${trigger}-`,
      namespace: ciNamespace(pipeline.app, wallOf(trigger)),
      labels: { [triggerLabel]: trigger },
      annotations: { "delivery/commit": source.commit },
    },
    spec: {
      timeouts: timeouts(runHours),
      taskRunTemplate: {
        podTemplate: {
          automountServiceAccountToken: false,
          securityContext: { fsGroup: 1000 },
          // Runs of forks have no Secret.
          ...(wallOf(trigger) === "forks" ? {} : pulling(pipeline)),
        },
      },
      pipelineSpec: { ...sharing(tasks, { name: sharedWorkspace }), tasks },
      ...sharing(tasks, {
        name: sharedWorkspace,
        volumeClaimTemplate: {
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
        },
      }),
    },
  };
  if (JSON.stringify(run).length <= longest) return run;
  if (perJob < mostPerJob) return pipelineRun(trigger, pipeline, source, perJob * 2);
  throw new CommandError(
    `a run of ${pipeline.services.length} services is ${JSON.stringify(run).length} bytes long, and Tekton takes some ${longest}; change fewer at a time, or let another engine run the pipeline (ci.engine)`,
  );
}

/** With which nodes get private images of jobs. */
function pulling({ pullLogin }: Pipeline): { readonly imagePullSecrets?: readonly { readonly name: string }[] } {
  return pullLogin ? { imagePullSecrets: [{ name: pullSecretName }] } : {};
}

/**
 * A job may take as long as its run: where nothing says so, Tekton gives it what its installation has for runs, an hour.
 * Source: https://tekton.dev/docs/pipelines/pipelineruns/#configuring-a-failure-timeout
 */
function timeouts(hours: number): PipelineRun["spec"]["timeouts"] {
  const text = `${hours}h0m0s`;
  return { pipeline: text, tasks: text };
}

/** One volume for all that is handed over, where anything is: pods that share it share a node, so that no others have it. */
function sharing<Workspace>(
  tasks: readonly PipelineTask[],
  workspace: Workspace,
): { readonly workspaces?: readonly Workspace[] } {
  return tasks.some(({ workspaces = [] }) => workspaces.length > 0) ? { workspaces: [workspace] } : {};
}

const annotation = (name: string): string => `pipelinesascode.tekton.dev/${name}`;

/** The Secrets that a run may read which finds out what has changed, and the namespaces in which it may start one. */
interface StartingRun {
  readonly name: "deliver" | "review" | "forks" | "drift" | "resume";
  readonly wall: CiWall;
  readonly annotations: Readonly<Record<string, string>>;
  /** The branch, as CircleCI calls it. */
  readonly branch: string;
}

/**
 * The runs that Pipelines-as-Code starts at an event, which replaces `{{ … }}`: each finds out what has changed, starts a run of
 * that, and reports what comes of it as its own.
 * Source: https://pipelinesascode.com/docs/guide/
 */
export function startingRuns(pipeline: Pipeline, deliveredBranch: string): readonly PipelineRun[] {
  // Not what the event's `body` says: where a comment starts a run, /ok-to-test or /retest, that has no pull request.
  const own = "source_url == target_url";
  const on = (expression: string) => ({ [annotation("on-cel-expression")]: expression });
  const superseded = { [annotation("cancel-in-progress")]: "true" };
  const runs: StartingRun[] = [
    {
      name: "deliver",
      wall: "deliver",
      annotations: on(`event == "push" && target_branch == ${JSON.stringify(deliveredBranch)}`),
      branch: "{{ source_branch }}",
    },
    {
      name: "review",
      wall: "review",
      annotations: { ...on(`event == "pull_request" && ${own}`), ...superseded },
      branch: "{{ source_branch }}",
    },
    {
      name: "forks",
      wall: "forks",
      annotations: { ...on(`event == "pull_request" && !(${own})`), ...superseded },
      branch: "pull/{{ pull_request_number }}",
    },
    ...(["drift", "resume"] as const)
      .filter((name) => happens(name, pipeline))
      .map((name) => ({
        name,
        wall: "deliver" as const,
        annotations: {
          [annotation("on-event")]: "[incoming]",
          [annotation("on-target-branch")]: `[${deliveredBranch}]`,
        },
        branch: "{{ source_branch }}",
      })),
  ];
  return runs.map((run) => startingRun(run, pipeline));
}

function startingRun({ name, wall, annotations, branch }: StartingRun, pipeline: Pipeline): PipelineRun {
  const source: Source = {
    repository: "{{ repo_url }}",
    commit: "{{ revision }}",
    branch,
    secret: "{{ git_auth_secret }}",
    values: { commit: "{{ revision }}", number: "", pullRequest: "" },
  };
  // A container that is stopped ends with its script, at once: so `delivery` takes the script's place, and has the time to cancel
  // the run that it has started.
  const script = `. ${functionsFile}
prepare
. "$BASH_ENV"
account=/var/run/secrets/kubernetes.io/serviceaccount
user="{\\"tokenFile\\": \\"$account/token\\"}"
cluster="{\\"server\\": \\"https://kubernetes.default.svc\\", \\"certificate-authority\\": \\"$account/ca.crt\\"}"
DELIVERY_KUBECONFIG="{\\"current-context\\": \\"ci\\", \\"contexts\\": [{\\"name\\": \\"ci\\", \\"context\\": {\\"cluster\\": \\"ci\\", \\"user\\": \\"ci\\"}}],
 \\"clusters\\": [{\\"name\\": \\"ci\\", \\"cluster\\": $cluster}], \\"users\\": [{\\"name\\": \\"ci\\", \\"user\\": $user}]}"
export DELIVERY_KUBECONFIG
cd ${word(pipeline.layout.program)}
exec node cli/delivery.js ${pipeline.regenerate.replace(/^delivery /, "")} --continue --repository ${quoteForShell("{{ repo_url }}")} \\
  --to {{ revision }} --branch "$${runVariables.branch}" --drift ${name === "drift"}${
    name === "resume" ? " --resume true" : ""
  }`;
  return {
    apiVersion: "tekton.dev/v1",
    kind: "PipelineRun",
    metadata: { generateName: `${name}-`, annotations: { ...annotations, [annotation("max-keep-runs")]: "20" } },
    spec: {
      timeouts: timeouts(startingHours),
      taskRunTemplate: {
        serviceAccountName: ciAccount(wall),
        podTemplate: {
          automountServiceAccountToken: true,
          securityContext: { fsGroup: 1000 },
          ...pulling(pipeline),
        },
      },
      pipelineSpec: {
        tasks: [
          {
            name: "delivery",
            taskSpec: {
              volumes: taskVolumes(source),
              steps: [
                checkoutStep(pipeline, source),
                {
                  name: "delivery",
                  image: pipeline.image,
                  workingDir,
                  script: scriptInSource(pipeline.layout, script),
                  env: stepVariables(source),
                  ...(wall === "forks"
                    ? {}
                    : { envFrom: [{ secretRef: { name: pipeline.contexts.read, optional: true } }] }),
                  volumeMounts: [{ name: "workspace", mountPath: "/workspace" }],
                },
              ],
            },
          },
        ],
      },
    },
  };
}

/** What jobs have in common. */
export function functionsText(pipeline: Pipeline, origin: string): string {
  return `${origin.replaceAll(/^/gm, "# ")}
#
# What the jobs of a run have in common. Tekton's script is a step of it.
${jobFunctions(pipeline.layout)}
`;
}
