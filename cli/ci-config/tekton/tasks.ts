import { CommandError } from "../../command.ts";
import { jobBody, jobValues } from "../job-steps.ts";
import type { Pipeline, PipelineService } from "../pipeline.ts";
import type { PipelineJob } from "../pipeline-job.ts";
import { handOver } from "../program-layout.ts";
import type { JobStep } from "../steps.ts";
import type { EnvironmentVariable, PipelineTask, SecretSource, TektonSidecar, TektonStep } from "./objects.ts";
import {
  checkoutStep,
  literal,
  replacedByTekton,
  scriptInSource,
  stepVariables,
  taskVolumes,
  workingDir,
  type Source,
} from "./source.ts";

/** Where what jobs of Tekton have in common is, from the root of the checkout. */
export const functionsFile = ".tekton/steps.sh";
/**
 * The workspace for files that were made for images, and for nothing else: what makes them is code of others, and must leave no
 * digests behind. Only jobs that make or take some have it.
 */
export const sharedWorkspace = "handed-over";
/** Outside of the job's volume: the directories above it there would be made as root's. */
const sharedDirectory = "/handed-over";
const digestsResult = "digests";
/**
 * All that the containers of a pod may say when they end, in bytes, an equal part for each; Tekton's results are in it.
 * Source: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
const podResults = 12_288;
/** Tekton's own before the steps: what starts them, and what writes their scripts. */
const ownContainers = 2;

/**
 * The builder of images, beside the job that builds, where the build's context names no other in BUILDKIT_HOST.
 * Source: https://github.com/moby/buildkit/blob/master/docs/rootless.md
 */
const builder: TektonSidecar = {
  name: "buildkit",
  image: "moby/buildkit:v0.34.2-rootless",
  args: ["--addr", "tcp://127.0.0.1:1234", "--oci-worker-no-process-sandbox"],
  securityContext: {
    runAsUser: 1000,
    runAsGroup: 1000,
    seccompProfile: { type: "Unconfined" },
    appArmorProfile: { type: "Unconfined" },
  },
};

const builderVariable = "BUILDKIT_HOST";
const builderAddress = `export ${builderVariable}="\${${builderVariable}:-tcp://127.0.0.1:1234}"\n`;

/** Whether a job finds the address of a builder in its contexts: then none is started beside it, which nobody would ask. */
function knowsBuilder(contexts: readonly string[], { contextVariables = {} }: Pipeline): boolean {
  return contexts.some((context) => contextVariables[context]?.includes(builderVariable));
}

/** The tasks of a run. @throws CommandError for a job that Tekton would not take */
export function tasksOf(jobs: readonly PipelineJob[], pipeline: Pipeline, source: Source): readonly PipelineTask[] {
  return jobs.map((job) => taskOf(job, buildsBefore(job, jobs), pipeline, source));
}

/** All builds that come before a job because it requires them, or what it requires does. */
function buildsBefore(job: PipelineJob, jobs: readonly PipelineJob[]): readonly PipelineJob[] {
  const before = new Set<string>();
  const add = ({ requires = [] }: PipelineJob): void => {
    for (const name of requires.filter((one) => !before.has(one))) {
      before.add(name);
      const required = jobs.find((one) => one.name === name);
      if (required !== undefined) add(required);
    }
  };
  add(job);
  return jobs.filter(({ kind, name }) => kind === "build" && before.has(name));
}

function taskOf(job: PipelineJob, builds: readonly PipelineJob[], pipeline: Pipeline, source: Source): PipelineTask {
  const { kind, name, requires = [], contexts = [], batch, prepared = [] } = job;
  if (kind === "approval") throw new Error(`unreachable: ${name}: pull requests ask people`);
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
    throw new CommandError(
      `Tekton would not take a task ${name}: its name must have at most 63 lower case letters, digits and '-'; shorten the service's name`,
    );
  const values = jobValues(job, source.values, pipeline);
  const body = jobBody(kind, values, pipeline);
  const isTest = kind === "test" || kind === "test-in-image";
  const [service] = batch?.services ?? [];
  const own = isTest ? service?.testImage : kind === "prepare-image" ? service?.prepare?.image : undefined;
  const takes = kind === "build" ? job.takesDigests === true : kind === "release" || kind === "preview-environment";
  const digests = takes ? builds.map((build) => digestsOf(build, pipeline, source)) : [];
  const isShared = kind === "prepare-image" || prepared.length > 0;
  const variables: EnvironmentVariable[] = Object.entries(body.variables ?? {}).map(([variable, value]) => ({
    name: variable,
    value: literal(value, name),
  }));
  const secrets = contexts.map((context): SecretSource => ({ secretRef: { name: context } }));
  const buildsImages = body.steps.some((step) => step.kind === "image-builder");
  const steps = body.steps
    .flatMap((step) => scripts(step, digests, values.digestsFile))
    .map(([title, script], index): TektonStep => ({
      name: `${index + 1}-${title}`,
      image: own ?? pipeline.image,
      workingDir,
      script: scriptInSource(pipeline.layout, `${buildsImages ? builderAddress : ""}${script}`),
      env: [...stepVariables(source), ...variables, ...(title === "take-over" ? digests.map(inVariable) : [])],
      ...(secrets.length === 0 ? {} : { envFrom: secrets }),
      volumeMounts: [{ name: "workspace", mountPath: "/workspace" }],
    }));
  const containers = isTest ? (service?.serviceContainers ?? []) : [];
  const sidecars: TektonSidecar[] = [
    ...containers.map(({ image, env = {} }, index) => ({
      name: `service-${index + 1}`,
      image,
      env: Object.entries(env).map(([variable, value]) => ({ name: variable, value: literal(value, name) })),
    })),
    ...(buildsImages && !knowsBuilder(contexts, pipeline) ? [builder] : []),
  ];
  const allSteps = [
    checkoutStep(pipeline, source, own, isShared ? { [`${handOver}/prepared`]: sharedDirectory } : {}),
    ...steps,
  ];
  if (kind === "build")
    assertDigestsFit(name, batch?.services ?? [], ownContainers + allSteps.length + sidecars.length);
  return {
    name,
    ...(requires.length === 0 ? {} : { runAfter: [...requires] }),
    ...(digests.length === 0
      ? {}
      : {
          params: digests.map(({ parameter, task }) => ({
            name: parameter,
            value: `$(tasks.${task}.results.${digestsResult})`,
          })),
        }),
    ...(isShared ? { workspaces: [{ name: sharedWorkspace, workspace: sharedWorkspace }] } : {}),
    taskSpec: {
      ...(body.description === undefined ? {} : { description: body.description }),
      ...(digests.length === 0
        ? {}
        : { params: digests.map(({ parameter }) => ({ name: parameter, type: "string" })) }),
      ...(kind === "build" ? { results: [{ name: digestsResult, type: "string" }] } : {}),
      ...(isShared
        ? {
            workspaces: [{ name: sharedWorkspace, mountPath: sharedDirectory }],
          }
        : {}),
      volumes: taskVolumes(source),
      steps: allSteps,
      ...(sidecars.length === 0 ? {} : { sidecars }),
    },
  };
}

/** @throws CommandError for more than a job can hand over: the rest would be cut off, and what is left is no result */
function assertDigestsFit(name: string, services: readonly PipelineService[], containers: number): void {
  const digests = Object.fromEntries(services.map((service) => [service.name, `sha256:${"0".repeat(64)}`]));
  // As Tekton's entrypoint writes it.
  const bytes = JSON.stringify([
    { key: digestsResult, value: `${JSON.stringify(digests)}\n`, type: 1 },
    { key: "StartedAt", value: "2026-01-01T00:00:00.000Z", type: 3 },
  ]).length;
  const most = Math.floor(podResults / containers);
  if (bytes > most)
    throw new CommandError(
      `${name}: the digests of ${services.length} images are ${bytes} bytes long, and Kubernetes takes ${most} of a step; change fewer services at a time, shorten their names, or let another engine run the pipeline (ci.engine)`,
    );
}

/** What a build hands over: as a result, which has little room, so that few services share a build. */
interface Digests {
  readonly task: string;
  readonly parameter: string;
  readonly variable: string;
  readonly file: string;
}

function digestsOf(build: PipelineJob, pipeline: Pipeline, source: Source): Digests {
  const { digestsFile } = jobValues(build, source.values, pipeline);
  return {
    task: build.name,
    parameter: `digests-of-${build.name}`,
    variable: `DIGESTS_OF_${build.name.toUpperCase().replaceAll("-", "_")}`,
    file: digestsFile,
  };
}

function inVariable({ parameter, variable }: Digests): EnvironmentVariable {
  return { name: variable, value: `$(params.${parameter})` };
}

/** The steps of Tekton's that a step is: what they are called, and their script. */
function scripts(step: JobStep, digests: readonly Digests[], digestsFile: string): [title: string, script: string][] {
  switch (step.kind) {
    case "checkout":
    case "prepare":
    case "pulumi":
      return [[step.kind, `. ${functionsFile}\n${step.kind}`]];
    case "run":
      return [[titleOf(step.name), escaped(step.command)]];
    case "take-over":
      return [
        [
          "take-over",
          [
            `mkdir -p ${handOver}/digests`,
            ...digests.map(({ variable, file }) => `printf '%s' "$${variable}" >${handOver}/digests/${file}`),
          ].join("\n"),
        ],
      ];
    case "hand-over":
      return step.path.startsWith("digests/")
        ? [["hand-over", `cp ${handOver}/digests/${digestsFile} "$(results.${digestsResult}.path)"`]]
        : [];
    case "when":
      return step.steps.flatMap((inner) => scripts(inner, digests, digestsFile));
    case "image-builder":
    case "report":
      return [];
  }
}

function titleOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 50)
    .replace(/-$/, "");
}

/** Tekton replaces `$(params.…)` and the like in a script, and the product's own scripts have none. */
function escaped(command: string): string {
  if (replacedByTekton.test(command))
    throw new Error(`unreachable: Tekton would replace a part of ${JSON.stringify(command)}`);
  return command;
}
