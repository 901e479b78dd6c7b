import type { Job } from "../../circleci/schema.ts";
import { quoteForShell } from "../../core/shell.ts";
import type { Batch } from "./batches.ts";
import { plainExecutor } from "./executors.ts";
import type { Pipeline } from "./pipeline.ts";
import { checkoutSteps, run, waitForPorts, word } from "./steps.ts";

/** The job that tests in an image of the services' own, which need not have more than bash and Git. */
export function testInImageJob({ layout, appDirectory }: Pipeline): Job {
  return {
    description: "Run the commands that test services, in an image that may have nothing of what this program needs",
    parameters: {
      tested: { type: "string" },
      command: { type: "string" },
      executor: { type: "executor", default: plainExecutor },
      ports: { type: "string", default: "" },
    },
    executor: "<< parameters.executor >>",
    environment: { COMMAND: "<< parameters.command >>" },
    steps: [
      ...checkoutSteps(layout),
      { when: { condition: "<< parameters.ports >>", steps: [waitForPorts] } },
      run("Test", `cd ${word(appDirectory)}\nbash -eo pipefail -c "$COMMAND"`),
      { report: { job: "test-<< parameters.tested >>" } },
    ],
  };
}

/** A command after the declarations of its variables. */
export function withVariables(variables: Readonly<Record<string, string>>, command: string): string {
  const declarations = Object.entries(variables).map(([name, value]) => `${name}=${quoteForShell(value)}`);
  return declarations.length === 0 ? command : `export ${declarations.join(" ")}\n${command}`;
}

/** What the job runs: of several services all tests, even if one fails. */
export function testScript({ services }: Batch): string {
  const scripts = services.map(({ name, testScript: script = "" }) => ({ name, script }));
  const [only, ...others] = scripts;
  if (others.length === 0) return only?.script ?? "";
  const runs = scripts.map(
    ({ name, script }) =>
      `echo "── ${name}"\nbash -eo pipefail -c ${quoteForShell(script)} || failed="$failed ${name}"`,
  );
  return [
    "failed=",
    ...runs,
    'if [ -n "$failed" ]; then',
    '  echo "The tests failed of:$failed"',
    "  exit 1",
    "fi",
  ].join("\n");
}
