import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Service } from "../../components/service/service.ts";
import { affectedServices } from "../affected/affected-services.ts";
import { serviceGraph, type ServiceSources } from "../affected/graph.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { environmentName, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { readMonorepo, type Monorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";
import { workspaceInstaller } from "../testing/package-manager.ts";
import { runTest, testResultsVariable } from "../testing/run-test.ts";
import { serviceTests } from "../testing/service-tests.ts";
import { testHint } from "../testing/test-hint.ts";
import { untestedReason } from "../testing/untested.ts";

const options = {
  env: { value: "ENVIRONMENT", parse: environmentName, required: true, help: "whose stack file counts, e.g. dev" },
  service: { value: "NAME", multiple: true, help: "only this service; can be given several times" },
  from: {
    value: "COMMIT",
    help: "only services that changed, or their tests, since that commit; all where it is not known",
  },
  to: { value: "COMMIT", help: "up to this commit", defaultText: "HEAD" },
  results: {
    value: "DIRECTORY",
    help: `tests find a directory of their own in it in ${testResultsVariable}, where they may leave JUnit's XML`,
  },
  json: {
    help: `print {"services": [{"name", "result", "seconds", "reason"}], "failed"} on standard output, and what the tests
      write on standard error; results are passed, failed, none`,
  },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "test services, or those that changed",
  description: [
    `Tests services, one after the other, all of them even if one fails. A service is tested by \`test.command\` of its
    service.yaml, run in the root of the monorepo with the variables \`test.env\`, by bash -eo pipefail: the first line that
    fails, or part of a pipe, makes it fail. Without one, it is tested by its language: \`go test\` of its packages and of
    the monorepo's packages that they import, each in its own module or workspace, but for those that constraints leave
    nothing of; or \`npm test\` of its package, for which the dependencies are installed if there is a lock file and no
    node_modules: by npm, pnpm, Yarn or Bun, each package or workspace once. What \`test.services\` names is CI's to start, and \`test.image\` is what CI runs it in.
    With \`test: none\`, nothing tests the service.`,
  ],
  usage: ["test --env ENVIRONMENT [--service NAME … | --from COMMIT [--to COMMIT]] [OPTIONS]"],
  options,
  run,
});

type TestOptions = OptionValues<typeof options>;

/** How the tests of one service ended. */
interface TestResult {
  readonly name: string;
  /** `none`: it has no tests. */
  readonly result: "passed" | "failed" | "none";
  readonly seconds: number;
  /** Why it failed, or has no tests. */
  readonly reason: string | null;
}

async function run(flags: TestOptions, context: CommandContext): Promise<void> {
  const monorepo = readMonorepo(new Project(), flags.env);
  const names = await namesOf(monorepo, flags, context);
  const show = flags.json ? context.note : context.print;
  const results: TestResult[] = [];
  const install = workspaceInstaller(context);
  // What the other services are made of takes time to find out, and says nothing of how these are tested.
  const services = monorepo.services.filter(({ name }) => names.has(name));
  for (const sources of serviceGraph({ ...monorepo, services })) {
    const environment = { ...context.environment, ...resultsFor(sources.service.name, flags.results) };
    results.push(await testService(monorepo, sources, { context: { ...context, environment }, install, show }));
  }
  const failed = results.filter(({ result }) => result === "failed");
  if (flags.json) context.print(JSON.stringify({ services: results, failed: failed.length }));
  else context.print(summary(results));
  if (context.signal.aborted) throw new CommandError("interrupted");
  if (failed.length > 0) throw new CommandError(`the tests of ${failed.map(({ name }) => name).join(", ")} failed`);
}

/** A directory per service: engines show them apart. */
function resultsFor(service: string, directory: string | undefined): Record<string, string> {
  if (directory === undefined) return {};
  const own = resolve(directory, service);
  mkdirSync(own, { recursive: true });
  return { [testResultsVariable]: own };
}

async function namesOf(
  monorepo: Monorepo,
  { service, from, to }: TestOptions,
  { note }: CommandContext,
): Promise<ReadonlySet<string>> {
  const all = monorepo.services.map(({ name }) => name);
  if (from === undefined) {
    if (to !== undefined) throw new UsageError("--to needs --from");
    const unknown = service?.filter((name) => !all.includes(name)) ?? [];
    if (unknown.length > 0)
      throw new CommandError(
        `there is no service ${unknown.map((name) => JSON.stringify(name)).join(", ")}; there are ${all.join(", ")}`,
      );
    return new Set(service ?? all);
  }
  if (service !== undefined) throw new UsageError("--service and --from exclude each other");
  const { services, tests } = await affectedServices({ monorepo, from, to: to ?? "HEAD", note });
  return new Set([...services, ...tests].map(({ name }) => name));
}

interface TestRun {
  readonly context: CommandContext;
  readonly install: ReturnType<typeof workspaceInstaller>;
  readonly show: (line: string) => void;
}

async function testService(
  { root }: Monorepo,
  sources: ServiceSources,
  { context, install, show }: TestRun,
): Promise<TestResult> {
  const { name } = sources.service;
  const reasons: string[] = [];
  const tests = await serviceTests(root, sources, context);
  const none = tests.length === 0 ? await noTests(root, sources.service) : undefined;
  if (none !== undefined) show(`── ${name}: ${none}`);
  const start = performance.now();
  for (const test of tests) {
    if (context.signal.aborted) break;
    const missing = test.workspace === undefined ? undefined : await install(test.workspace);
    if (missing === undefined) show(`── ${name}: ${test.title}`);
    const reason = missing ?? (await runTest(test, context, show));
    if (reason !== undefined) reasons.push(reason);
  }
  const [reason] = context.signal.aborted ? ["interrupted"] : reasons;
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  if (none !== undefined) return { name, result: "none", seconds, reason: none };
  return { name, result: reason === undefined ? "passed" : "failed", seconds, reason: reason ?? null };
}

async function noTests(root: string, service: Service): Promise<string> {
  return service.test === "none" ? untestedReason : testHint(root, service);
}

function summary(results: readonly TestResult[]): string {
  const width = Math.max(0, ...results.map(({ name }) => name.length));
  const lines = results.map(({ name, result, seconds, reason }) => {
    const said = { passed: `passed in ${seconds} s`, failed: `FAILED: ${reason}`, none: reason }[result];
    return `${name.padEnd(width)}  ${said}`;
  });
  return lines.length === 0 ? "no service to test" : `── summary\n${lines.join("\n")}`;
}
