import type { ReusableCommand, Step } from "../../circleci/schema.ts";
import { quoteForShell } from "../../core/shell.ts";
import { handOver, type ProgramLayout } from "./program-layout.ts";

/** The Pulumi CLI that is installed where the image has none. */
const pulumiVersion = "3.258.0";

/** Checks the source out, and makes `delivery` a command of all later steps. */
export function prepareCommand(layout: ProgramLayout): ReusableCommand {
  const { program, clone } = layout;
  const inside = (path: string): string => (program === "." ? path : `${program}/${path}`);
  const key = `delivery-v1-{{ arch }}-{{ checksum "${inside("package-lock.json")}" }}`;
  return {
    description: "Check out, and make `delivery` a command",
    steps: [
      ...checkoutSteps(layout),
      ...(clone === undefined ? [] : [run("Clone the program", cloneCommand(clone))]),
      { restore_cache: { keys: [key] } },
      run(
        "Install delivery",
        [
          // The first call compiles all commands into node_modules/.cache, which the cache keeps.
          `[ -d ${word(inside("node_modules"))} ] || { npm ci --prefix ${word(program)} --no-audit --no-fund && node ${word(inside("cli/delivery.js"))} help >/dev/null; }`,
          // npx would take a second at every call. The program's directory is where the stack files are.
          `echo "delivery() { (cd '$PWD/${program}' && node cli/delivery.js \\"\\$@\\"); }" >>"$BASH_ENV"`,
        ].join("\n"),
      ),
      // npm compiles the generated SDK when it installs it, outside of node_modules.
      { save_cache: { key, paths: [inside("node_modules"), inside("sdks/circleci/bin")] } },
    ],
  };
}

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

export const installPulumi: Step = run(
  "Install Pulumi where the image has none",
  [
    `command -v pulumi || curl -fsSL https://get.pulumi.com | sh -s -- --version ${pulumiVersion}`,
    `echo 'PATH="$PATH:$HOME/.pulumi/bin"' >>"$BASH_ENV"`,
  ].join("\n"),
);

export function run(name: string, command: string, more: { readonly no_output_timeout?: string } = {}): Step {
  return { run: { name, command, ...more } };
}

/** Checks out after the clone: `git clone --branch` takes no id of a commit. */
function cloneCommand({ repository, ref, directory }: NonNullable<ProgramLayout["clone"]>): string {
  const clone = `git clone --filter=blob:none "${repository}" "${directory}"`;
  return ref === undefined ? clone : `${clone}\ngit -C "${directory}" checkout "${ref}"`;
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
