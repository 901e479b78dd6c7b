import { quoteForShell } from "../../../core/shell.ts";
import { heredoc, jobFunctions, namedStep } from "../job-functions.ts";
import type { JobBody } from "../job-steps.ts";
import { handOver, type ProgramLayout } from "../program-layout.ts";
import type { JobStep } from "../steps.ts";

/** Where the file is that runs a job, from the root of the checkout. */
export const jobFile = ".travis/job.sh";
/** Where what a job hands over is for Travis' workspaces, which have paths in the checkout. */
export const workspaceDirectory = ".travis-handed-over";

/**
 * Runs a job in its image, with the variables that it may see and no others: Travis gives each job of a build all variables of
 * its settings. What is not planned for this build ends at once.
 */
export function jobFileText(layout: ProgramLayout, origin: string): string {
  const { workingDirectory = "" } = layout;
  return `#!/usr/bin/env bash
${origin.replaceAll(/^/gm, "# ")}
#
# usage: job.sh KIND NAME, with what it runs as standard input, and in the environment
#   IMAGE       what it runs in
#   VARIABLES   the credentials that it may see: NAME=SETTING, each a variable of Travis' settings
#   SERVICES    its service containers: options and image of \`docker run\`, one a line
#   HANDS_OVER  the files that later jobs take over
#   DOCKER      not empty: it builds images
set -eo pipefail
kind=$1 name=$2 source=$PWD base=$(dirname "$PWD")
work="$base/${workingDirectory.replace(/^~\//, "")}"
${workingDirectory === "" ? 'work="$source"' : `[ "$work" = "$source" ] || { mkdir -p "$(dirname "$work")" && cp -a "$source" "$work"; }`}
cd "$work"
mkdir -p ${handOver} "$base/home"
handed=$(cd ${handOver} && pwd)
taken="$source/${workspaceDirectory}"
[ ! -d "$taken" ] || cp -R "$taken/." "$handed"
rm -rf "$taken" ${workspaceDirectory}
job=$(mktemp "$base/job.XXXXXX")
{ cat <<'END_OF_FUNCTIONS'
${jobFunctions(layout)}
END_OF_FUNCTIONS
cat; } >"$job"

if [ "$kind" != plan ]; then
  [ -e "$handed/plan" ] || { echo "What is to be done is not known: restart the whole build" >&2; exit 1; }
  if ! grep -qxF "$kind $name" "$handed/plan"; then
    echo "Nothing has changed that $name is for."
    mkdir -p "$taken"
    exit 0
  fi
fi

options=()
for variable in $VARIABLES; do
  setting=\${variable#*=}
  [ -n "\${!setting:-}" ] || continue
  export "\${variable%%=*}=\${!setting}"
  options+=(--env "\${variable%%=*}")
done
while IFS= read -r service; do
  [ -z "$service" ] || eval "docker run --detach --network host $service"
done <<<"$SERVICES"
if [ -n "$DOCKER" ]; then
  socket=/var/run/docker.sock
  options+=(--volume "$socket:$socket" --group-add "$(stat --format=%g "$socket" 2>/dev/null || echo 0)")
fi
touch "$base/home/environment"
# It says something every minute: Travis stops what is silent for ten, which a wait for a rollout is.
while sleep 60 >/dev/null 2>&1; do echo "… $name"; done & alive=$!
trap 'kill $alive' EXIT
docker run --rm --network host --user "$(id -u):$(id -g)" --volume "$base:$base" --workdir "$work" \\
  --env HOME="$base/home" --env BASH_ENV="$base/home/environment" --env CI --env TRAVIS \\
  --env TRAVIS_BRANCH --env TRAVIS_BUILD_NUMBER --env TRAVIS_BUILD_WEB_URL --env TRAVIS_COMMIT --env TRAVIS_COMMIT_RANGE \\
  --env TRAVIS_EVENT_TYPE --env TRAVIS_PULL_REQUEST --env TRAVIS_PULL_REQUEST_BRANCH --env TRAVIS_PULL_REQUEST_SHA \\
  --env TRAVIS_PULL_REQUEST_SLUG --env TRAVIS_REPO_SLUG \\
  "\${options[@]}" "$IMAGE" bash -eo pipefail "$job"
mkdir -p "$taken"
for file in $HANDS_OVER; do
  mkdir -p "$taken/$(dirname "$file")" && cp "$handed/$file" "$taken/$file"
done
`;
}

/** What a job is called with. */
export interface JobCall {
  readonly kind: string;
  readonly name: string;
  readonly image: string;
  /** Variable → setting of Travis' that has its value. */
  readonly variables: ReadonlyMap<string, string>;
  /** Options and image of `docker run`. */
  readonly services: readonly string[];
  readonly handsOver: readonly string[];
  readonly docker: boolean;
}

/** The one line of shell, with what follows it, that is a job's script. */
export function jobScript({ variables = {}, steps }: JobBody, call: JobCall): string {
  const settings = [
    ["IMAGE", call.image],
    ["VARIABLES", [...call.variables].map(([variable, setting]) => `${variable}=${setting}`).join(" ")],
    ["SERVICES", call.services.join("\n")],
    ["HANDS_OVER", call.handsOver.join(" ")],
    ["DOCKER", call.docker ? "yes" : ""],
  ].map(([name, value = ""]) => `${name}=${value === "" ? "" : quoteForShell(value)}`);
  const declared = Object.entries(variables).map(([name, value]) => `export ${name}=${quoteForShell(value)}`);
  return heredoc(`${settings.join(" ")} bash ${jobFile} ${call.kind} ${call.name}`, "END_OF_JOB", [
    ...declared,
    ...steps.flatMap(lines),
  ]);
}

/** The files that steps hand over. */
export function handedOver(steps: readonly JobStep[]): string[] {
  return steps.flatMap((step) =>
    step.kind === "hand-over" ? [step.path] : step.kind === "when" ? handedOver(step.steps) : [],
  );
}

/** Travis adds the jobs of a build up by itself, and hands files over before and after a job. */
function lines(step: JobStep): string[] {
  switch (step.kind) {
    case "checkout":
    case "prepare":
    case "pulumi":
      return [step.kind];
    case "run":
      return [namedStep(step)];
    case "when":
      return step.steps.flatMap(lines);
    default:
      return [];
  }
}
