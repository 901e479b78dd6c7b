import type { Job } from "./circleci-schema.ts";
import { plainExecutor } from "./executors.ts";
import { handOver } from "./program-layout.ts";
import { run } from "./job-steps.ts";

/**
 * The one status that branch protection can require: it always reports, whatever the other jobs came to and however few
 * there are.
 */
export const aggregateJob: Job = {
  description: "Succeeds if all of `jobs` have, and there is no `problem`",
  parameters: { jobs: { type: "string", default: "" }, problem: { type: "string", default: "" } },
  executor: plainExecutor,
  environment: { JOBS: "<< parameters.jobs >>", PROBLEM: "<< parameters.problem >>" },
  steps: [
    { when: { condition: "<< parameters.jobs >>", steps: [{ attach_workspace: { at: handOver } }] } },
    run(
      "Add up",
      `failed=
for job in $JOBS; do
  [ -e ${handOver}/done/$job ] || failed="$failed $job"
done
if [ -n "$failed" ]; then
  echo "These jobs did not succeed:"
  printf '  %s\\n' $failed
fi
if [ -n "$PROBLEM" ]; then echo "$PROBLEM"; fi
[ -z "$failed$PROBLEM" ]
echo "All is well."`,
    ),
  ],
};
