import { posix } from "node:path";
import { quoteForShell } from "../../../core/shell.ts";
import { CommandError } from "../../command.ts";
import { runVariables } from "../../ci-run.ts";
import type { RunValues } from "../job-steps.ts";
import type { Pipeline } from "../pipeline.ts";
import type { ProgramLayout } from "../program-layout.ts";
import type { EnvironmentVariable, TaskSpec, TektonStep } from "./objects.ts";

/** What a run is of, and where its jobs get it. */
export interface Source {
  /** The monorepo's URL for Git. */
  readonly repository: string;
  readonly commit: string;
  readonly branch: string;
  /** The Secret with `.git-credentials` for it. Only the step that checks out sees it; a public repository needs none. */
  readonly secret: string;
  readonly values: RunValues;
}

/** Of every step. */
export function stepVariables({ commit, branch }: Source): readonly EnvironmentVariable[] {
  return [
    { name: "HOME", value: "/workspace/home" },
    { name: "BASH_ENV", value: "/workspace/environment" },
    { name: "CI", value: "true" },
    { name: runVariables.commit, value: commit },
    { name: runVariables.branch, value: branch },
    { name: runVariables.link, value: "urn:tekton:$(context.taskRun.namespace)/$(context.taskRun.name)" },
  ];
}

/**
 * Where all steps start, the root of a job's volume. They go to the checkout themselves: a directory that a container is told to
 * start in is made before any step has run, as root's.
 */
export const workingDir = "/workspace";

/** Where the checkout is in a job's pod. */
export function sourceDirectory({ workingDirectory = "~/source" }: ProgramLayout): string {
  return `${workingDir}/${workingDirectory.replace(/^~\//, "")}`;
}

export function taskVolumes({ secret }: Pick<Source, "secret">): TaskSpec["volumes"] {
  return [
    { name: "workspace", emptyDir: {} },
    { name: "checkout", secret: { secretName: secret, optional: true } },
  ];
}

/** A script that runs in the checkout. */
export function scriptInSource(layout: ProgramLayout, script: string): string {
  return `#!/usr/bin/env bash
set -eo pipefail
cd ${quoteForShell(sourceDirectory(layout))}
${script}`;
}

/**
 * Checks the commit out, in a step of its own: what it needs to read the repository is not in the containers after it.
 * @param links directories of the job's volume, from the checkout, that are elsewhere: → where
 */
export function checkoutStep(
  pipeline: Pipeline,
  source: Source,
  image = pipeline.image,
  links: Readonly<Record<string, string>> = {},
): TektonStep {
  const directory = sourceDirectory(pipeline.layout);
  const linked = Object.entries(links).map(
    ([link, target]) => `\nmkdir -p ${posix.dirname(link)}\nln -s ${target} ${link}`,
  );
  return {
    name: "checkout",
    image,
    workingDir,
    script: `#!/usr/bin/env bash
set -eo pipefail
mkdir -p "$HOME" ${quoteForShell(directory)}
touch "$BASH_ENV"
credentials=
[ ! -e /checkout/.git-credentials ] || credentials="store --file=/checkout/.git-credentials"
cd ${quoteForShell(directory)}
git -c credential.helper="$credentials" clone --no-checkout "$REPOSITORY" .
git -c credential.helper="$credentials" fetch origin "$${runVariables.commit}"
git -c advice.detachedHead=false checkout "$${runVariables.commit}"${linked.join("")}`,
    env: [
      ...stepVariables(source),
      { name: "REPOSITORY", value: source.repository },
      { name: "COMMIT", value: source.commit },
    ],
    volumeMounts: [
      { name: "workspace", mountPath: "/workspace" },
      { name: "checkout", mountPath: "/checkout", readOnly: true },
    ],
  };
}

/** Tekton replaces `$(params.…)` and the like, in scripts and in the values of variables. */
export const replacedByTekton =
  /\$\((params|results|tasks|workspaces|context|steps|step|credentials|finally|inputs|outputs)[.[]/;

/**
 * A text as a container gets it: Kubernetes makes one dollar sign of two, and Tekton replaces what looks like its own.
 * @param what it is, for messages
 * @throws CommandError where Tekton would replace a part of it
 */
export function literal(text: string, what: string): string {
  const [found] = replacedByTekton.exec(text) ?? [];
  if (found !== undefined)
    throw new CommandError(
      `${what}: Tekton would replace ${JSON.stringify(found)}… in a command or variable before any shell reads it; write it with backquotes, or put the command into a file`,
    );
  return text.replaceAll("$", "$$$$");
}
