import { quoteForShell } from "../../../core/shell.ts";
import type { RunValues } from "../job-steps.ts";
import type { Pipeline } from "../pipeline.ts";
import type { ProgramLayout } from "../program-layout.ts";
import type { EnvironmentVariable, TaskSpec, TektonStep } from "./objects.ts";

/** What a run is of, and where its jobs get it. */
export interface Source {
  /** The monorepo's URL for Git. */
  readonly repository: string;
  readonly commit: string;
  /** The Secret with `.git-credentials` for it. Only the step that checks out sees it; a public repository needs none. */
  readonly secret: string;
  readonly values: RunValues;
}

/** Of every step. */
export const stepVariables: readonly EnvironmentVariable[] = [
  { name: "HOME", value: "/workspace/home" },
  { name: "BASH_ENV", value: "/workspace/environment" },
  { name: "CI", value: "true" },
];

/** Where the checkout is in a job's pod. */
export function sourceDirectory({ workingDirectory = "~/source" }: ProgramLayout): string {
  return `/workspace/${workingDirectory.replace(/^~\//, "")}`;
}

export function taskVolumes({ secret }: Pick<Source, "secret">): TaskSpec["volumes"] {
  return [
    { name: "workspace", emptyDir: {} },
    { name: "checkout", secret: { secretName: secret, optional: true } },
  ];
}

/** Checks the commit out, in a step of its own: what it needs to read the repository is not in the containers after it. */
export function checkoutStep(pipeline: Pipeline, source: Source, image = pipeline.image): TektonStep {
  const directory = sourceDirectory(pipeline.layout);
  return {
    name: "checkout",
    image,
    workingDir: "/workspace",
    script: `#!/usr/bin/env bash
set -eo pipefail
mkdir -p "$HOME" ${quoteForShell(directory)}
touch "$BASH_ENV"
credentials=
[ ! -e /checkout/.git-credentials ] || credentials="store --file=/checkout/.git-credentials"
cd ${quoteForShell(directory)}
git -c credential.helper="$credentials" clone --no-checkout "$REPOSITORY" .
git -c credential.helper="$credentials" fetch origin "$COMMIT"
git -c advice.detachedHead=false checkout "$COMMIT"`,
    env: [...stepVariables, { name: "REPOSITORY", value: source.repository }, { name: "COMMIT", value: source.commit }],
    volumeMounts: [
      { name: "workspace", mountPath: "/workspace" },
      { name: "checkout", mountPath: "/checkout", readOnly: true },
    ],
  };
}
