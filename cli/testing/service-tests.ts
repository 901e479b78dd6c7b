import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Service } from "../../components/service/service.ts";
import { testRun } from "../../components/service/test-settings.ts";
import { outputOf } from "../../core/process.ts";
import { shellProcess } from "../../core/shell.ts";
import type { GoTests } from "../affected/go.ts";
import type { ServiceSources } from "../affected/graph.ts";
import type { NodeNeeds } from "../affected/node.ts";
import type { CommandContext } from "../command.ts";
import { packageManager } from "./package-manager.ts";
import type { TestProcess } from "./run-test.ts";

interface ServiceTest extends TestProcess {
  /** What is said of it. */
  readonly title: string;
  /** The root of the Node workspace whose dependencies it needs, relative to the program. @default none */
  readonly workspace?: string;
}

/**
 * How a service is tested: as it says in `test.command`, or else by its language: `go test` of its packages and of the packages
 * of the monorepo that they import, `npm test` of its package; by nothing where it says `test: none`.
 * @param root the monorepo, relative to the program
 */
export async function serviceTests(
  root: string,
  { service, go, node }: ServiceSources,
  context: CommandContext,
): Promise<ServiceTest[]> {
  const run = testRun(service.test);
  if (run === undefined) return [];
  const environment = run.env ?? {};
  const own = run.command;
  if (own !== undefined) return [{ ...shellProcess(own), title: own.trimEnd(), directory: root, environment }];
  const goTests = (go?.testCalls() ?? []).map((call) => goTest(root, call, service, context));
  const nodeTests = node?.tested === true ? [nodeTest(root, node, environment)] : [];
  return [...(await Promise.all(goTests)).flat(), ...nodeTests];
}

async function goTest(
  root: string,
  { directory: at, packages, optional, outsideWorkspace }: GoTests,
  { name, test }: Service,
  context: CommandContext,
): Promise<ServiceTest[]> {
  const directory = join(root, at);
  const environment = { ...(outsideWorkspace ? { GOWORK: "off" } : {}), ...testRun(test)?.env };
  const without = await excludedPackages(optional, directory, { ...context.environment, ...environment }, context);
  const where = at === "." ? "" : ` in ${at}`;
  if (without.size > 0)
    context.note(`── ${name}: not tested, as constraints leave nothing of it: ${[...without].join(" ")}${where}`);
  const args = ["test", ...packages.filter((argument) => !without.has(argument))];
  if (args.length === 1) return [];
  return [{ command: "go", args, title: `go ${args.join(" ")}${where}`, directory, environment }];
}

function nodeTest(root: string, node: NodeNeeds, environment: Readonly<Record<string, string>>): ServiceTest {
  const workspace = join(root, node.root);
  const [command, ...args] = packageManager(workspace)?.test ?? ["npm", "test"];
  return {
    command,
    args,
    title: [command, ...args].join(" "),
    directory: join(root, node.own),
    environment,
    ...(node.installed ? { workspace } : {}),
  };
}

// Invalid packages are kept: `go test` says what is wrong with them.
const template =
  "{{if and .IgnoredGoFiles (not (or .GoFiles .CgoFiles .TestGoFiles .XTestGoFiles .InvalidGoFiles))}}{{.Dir}}{{end}}";

/**
 * Of packages, those that constraints leave nothing of in a build on this machine, with its settings: `go test` fails for
 * them, unless a pattern such as `./...` names them.
 * @param packages as Go takes them in the directory
 */
async function excludedPackages(
  packages: readonly string[],
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
  { signal }: CommandContext,
): Promise<ReadonlySet<string>> {
  if (packages.length === 0) return new Set();
  const options = { cwd: directory, env: environment, signal };
  // If `go list` fails, `go test` fails for the same reason, and reports it.
  const listed = await outputOf("go", ["list", "-e", "-f", template, ...packages], options).catch(() => "");
  const directories = new Set(
    listed
      .split("\n")
      .filter(Boolean)
      .map((path) => realpathSync(path)),
  );
  return new Set(packages.filter((argument) => directories.has(realpathSync(join(directory, argument)))));
}
