import type { ReusableCommand } from "./circleci-schema.ts";
import type { Step } from "./circleci-steps.ts";
import { handOver, type ProgramLayout } from "./program-layout.ts";

/** The Pulumi CLI that is installed where the image has none. */
const pulumiVersion = "3.258.0";

/** Checks the source out, and makes `delivery` a command of all later steps. */
export function prepareCommand({ program, clone }: ProgramLayout): ReusableCommand {
  const inside = (path: string): string => (program === "." ? path : `${program}/${path}`);
  const key = `delivery-v1-{{ arch }}-{{ checksum "${inside("package-lock.json")}" }}`;
  const modules = inside("node_modules");
  return {
    description: "Check out, and make `delivery` a command",
    steps: [
      "checkout",
      ...(clone === undefined
        ? []
        : [
            run(
              "Clone the program",
              `git clone --depth 1 --branch ${clone.ref} ${clone.repository} ${clone.directory}`,
            ),
          ]),
      { restore_cache: { keys: [key] } },
      run(
        "Install delivery",
        [
          `[ -d ${modules} ] || npm ci --prefix ${program} --no-audit --no-fund`,
          // Not through npx, which takes a second at every call. The stack files are in the program's directory.
          `echo "delivery() { (cd '$PWD/${program}' && node cli/main.ts \\"\\$@\\"); }" >>"$BASH_ENV"`,
        ].join("\n"),
      ),
      { save_cache: { key, paths: [modules] } },
    ],
  };
}

/** The job named tells job `delivery` that it succeeded. */
export const reportCommand: ReusableCommand = {
  description: "Tell job `delivery` that this job succeeded",
  parameters: { job: { type: "string" } },
  steps: [
    run("Report", `mkdir -p ${handOver}/done && touch ${handOver}/done/<< parameters.job >>`),
    { persist_to_workspace: { root: handOver, paths: ["done/<< parameters.job >>"] } },
  ],
};

export const installPulumi: Step = run(
  "Install Pulumi where the image has none",
  [
    `command -v pulumi || curl -fsSL https://get.pulumi.com | sh -s -- --version ${pulumiVersion}`,
    `echo 'PATH="$PATH:$HOME/.pulumi/bin"' >>"$BASH_ENV"`,
  ].join("\n"),
);

export function run(name: string, command: string, more: { no_output_timeout?: string } = {}): Step {
  return { run: { name, command, ...more } };
}
