import type { ReusableCommand, Step } from "../../../circleci/schema.ts";
import { cloneProgram, fetchSubmodules, installDelivery, installPulumi, type PulumiRelease } from "../installation.ts";
import { handOver, type ProgramLayout } from "../program-layout.ts";
import type { JobStep, RunStep } from "../steps.ts";

const attachWorkspace: Step = { attach_workspace: { at: handOver } };
/**
 * Docker's layers are kept for the jobs of all branches, and whoever has the builder can write into what is kept. So what is
 * pushed is built without: it has the registry's cache, which only those write who may push.
 */
const freshDocker = "setup_remote_docker";
const keptDocker: Step = { setup_remote_docker: { docker_layer_caching: true } };

/** The steps of a job in CircleCI's words. */
export function circleSteps(steps: readonly JobStep[], layout: ProgramLayout): Step[] {
  return steps.flatMap((step): Step[] => {
    switch (step.kind) {
      case "checkout":
        return checkoutSteps(layout);
      case "prepare":
      case "pulumi":
        return [step.kind];
      case "image-builder":
        return [step.pushes ? freshDocker : keptDocker];
      case "run":
        return [
          runStep(step),
          ...(step.testResults === undefined ? [] : [{ store_test_results: { path: step.testResults } }]),
        ];
      case "take-over":
        return [attachWorkspace];
      case "hand-over":
        return [{ persist_to_workspace: { root: handOver, paths: [step.path] } }];
      case "report":
        return [{ report: { job: step.job } }];
      case "when": {
        const [condition = "", ...others] = step.any;
        const any = others.length === 0 ? condition : { or: [...step.any] };
        return [{ when: { condition: any, steps: circleSteps(step.steps, layout) } }];
      }
    }
  });
}

export function runStep({ name, command, quietMinutes, repeatable }: RunStep): Step {
  return {
    run: {
      name,
      command,
      ...(quietMinutes === undefined ? {} : { no_output_timeout: `${quietMinutes}m` }),
      ...(repeatable === true ? { max_auto_reruns: 2, auto_rerun_delay: "10s" } : {}),
    },
  };
}

function checkoutSteps(layout: ProgramLayout): Step[] {
  return ["checkout", ...fetchSubmodules(layout).map(runStep)];
}

/** Checks the source out, and makes `delivery` a command of all later steps. */
export function prepareCommand(layout: ProgramLayout): ReusableCommand {
  return {
    description: "Check out, and make `delivery` a command",
    steps: [...checkoutSteps(layout), ...cloneProgram(layout).map(runStep), runStep(installDelivery(layout))],
  };
}

/** What previews and the like need beyond `delivery`. */
export function pulumiCommand(layout: ProgramLayout, release?: PulumiRelease): ReusableCommand {
  return {
    description: "Install Pulumi where the image has none, and compile the SDK",
    steps: [runStep(installPulumi(layout, release))],
  };
}

/** Leaves a file for job `delivery`, which says that a job has succeeded. */
export const reportCommand: ReusableCommand = {
  description: "Tell job `delivery` that this job has succeeded",
  parameters: { job: { type: "string" } },
  steps: [
    {
      run: {
        name: "Report",
        command: `mkdir -p ${handOver}/done && touch ${handOver}/done/<< parameters.job >>`,
      },
    },
    { persist_to_workspace: { root: handOver, paths: ["done/<< parameters.job >>"] } },
  ],
};

/** A text may contain `<<`, which would begin a parameter. */
export function verbatim(text: string): string {
  return text.replaceAll("<<", "\\<<");
}
