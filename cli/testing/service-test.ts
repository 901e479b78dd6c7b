import { join } from "node:path";
import type { ServiceSources } from "../changes/service-graph.ts";

/** One process that tests a service. */
export interface ServiceTest {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it runs, relative to the program. */
  readonly directory: string;
  /** Variables beyond those that are there. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * How a service is tested: as it says in `test.command`, or else by its language: `go test` of its packages and of the packages
 * of the monorepo that they import, `npm test` of its package.
 * @param root the monorepo, relative to the program
 */
export function serviceTests(root: string, { service, go, node }: ServiceSources): ServiceTest[] {
  const environment = service.test?.env ?? {};
  const own = service.test?.command;
  if (own !== undefined) return [{ command: "sh", args: ["-c", own], directory: root, environment }];
  const goTests =
    go === undefined || go.testArguments.length === 0
      ? []
      : [{ command: "go", args: ["test", ...go.testArguments], directory: join(root, go.modules.main), environment }];
  const nodeTests =
    node?.tested === true ? [{ command: "npm", args: ["test"], directory: join(root, node.own), environment }] : [];
  return [...goTests, ...nodeTests];
}
