import type { ReusableCommand, Step } from "../../circleci/schema.ts";
import { quoteForShell } from "../../core/shell.ts";
import { handOver, type ProgramLayout } from "./program-layout.ts";

export function checkoutSteps({ submodules = false }: ProgramLayout): Step[] {
  return ["checkout", ...(submodules ? [run("Fetch the submodules", "git submodule update --init --recursive")] : [])];
}

/** Leaves a file for job `delivery`, which says that a job has succeeded. */
export const reportCommand: ReusableCommand = {
  description: "Tell job `delivery` that this job has succeeded",
  parameters: { job: { type: "string" } },
  steps: [
    run("Report", `mkdir -p ${handOver}/done && touch ${handOver}/done/<< parameters.job >>`),
    { persist_to_workspace: { root: handOver, paths: ["done/<< parameters.job >>"] } },
  ],
};

export function run(name: string, command: string, more: { readonly no_output_timeout?: string } = {}): Step {
  return { run: { name, command, ...more } };
}

/** CircleCI starts service containers with the job, and does not wait until they serve. */
export const waitForPorts = run(
  "Wait for the service containers",
  `for port in << parameters.ports >>; do
  timeout 60 bash -c "until (echo >/dev/tcp/localhost/$port) 2>/dev/null; do sleep 0.1; done" || {
    echo "Nothing serves at localhost:$port"
    exit 1
  }
done`,
);

/** A path as one word of a shell, in quotes only where it needs them. */
export function word(path: string): string {
  return /^[\w./@%+,-]+$/.test(path) ? path : quoteForShell(path);
}

/** A text may contain `<<`, which would begin a parameter. */
export function verbatim(text: string): string {
  return text.replaceAll("<<", "\\<<");
}
