import { quoteForShell } from "../../core/shell.ts";
import type { Batch } from "./batches.ts";
import type { PipelineService } from "./pipeline.ts";

/** What the tests of a service run in, beyond what all jobs do; empty: nothing. */
export function testEnvironment({ testImage, serviceContainers }: PipelineService): string {
  return testImage === undefined && serviceContainers.length === 0
    ? ""
    : JSON.stringify([testImage, serviceContainers]);
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
