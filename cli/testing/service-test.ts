import { join } from "node:path";
import type { Service } from "../../components/service.ts";
import type { GoTests } from "../changes/go-tests.ts";
import type { NodeNeeds } from "../changes/node-packages.ts";
import type { ServiceSources } from "../changes/service-graph.ts";
import type { Surroundings } from "../command.ts";
import { shellProcess } from "../shell.ts";
import { leftOut } from "./left-out.ts";
import { packageManager } from "./package-manager.ts";

/** A process that tests a service, or a part of it. */
export interface TestProcess {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it runs, relative to the program. */
  readonly directory: string;
  /** Variables beyond those that are there. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface ServiceTest extends TestProcess {
  /** What is said of it. */
  readonly title: string;
  /** The root of the Node workspace whose dependencies it needs, relative to the program. @default none */
  readonly workspace?: string;
}

/**
 * How a service is tested: as it says in `test.command`, or else by its language: `go test` of its packages and of the packages
 * of the monorepo that they import, `npm test` of its package.
 * @param root the monorepo, relative to the program
 */
export async function serviceTests(
  root: string,
  { service, go, node }: ServiceSources,
  surroundings: Surroundings,
): Promise<ServiceTest[]> {
  const environment = service.test?.env ?? {};
  const own = service.test?.command;
  if (own !== undefined) return [{ ...shellProcess(own), title: own.trimEnd(), directory: root, environment }];
  const goTests = (go?.testCalls() ?? []).map((call) => goTest(root, call, service, surroundings));
  const nodeTests = node?.tested === true ? [nodeTest(root, node, environment)] : [];
  return [...(await Promise.all(goTests)).flat(), ...nodeTests];
}

async function goTest(
  root: string,
  { directory: at, packages, optional, outsideWorkspace }: GoTests,
  { name, test }: Service,
  surroundings: Surroundings,
): Promise<ServiceTest[]> {
  const directory = join(root, at);
  const environment = { ...(outsideWorkspace ? { GOWORK: "off" } : {}), ...test?.env };
  const without = await leftOut(optional, directory, { ...surroundings.environment, ...environment }, surroundings);
  const where = at === "." ? "" : ` in ${at}`;
  if (without.size > 0)
    surroundings.note(`── ${name}: not tested, as constraints leave nothing of it: ${[...without].join(" ")}${where}`);
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
