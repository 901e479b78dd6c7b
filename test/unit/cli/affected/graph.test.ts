import { expect, test } from "vitest";
import { serviceGraph } from "../../../../cli/affected/graph.ts";
import { goShop, nodeShop } from "../../../support/affected-table.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

test("the reason is the file, or the shared code that it is in", () => {
  using sample = new SampleMonorepo({ ...goShop, ...nodeShop });
  const reasons = new Map(
    serviceGraph(sample.monorepo()).map(({ service, match }) => [
      service.name,
      ["svc/link/main.go", "pkg/web/web.go", "packages/ui/x.ts", "go.mod"].map((file) => match(file)?.reason),
    ]),
  );
  expect(reasons.get("link")).toEqual(["svc/link/main.go", "shared code pkg/web", "packages/ui/x.ts", "go.mod"]);
  expect(reasons.get("web")).toEqual([undefined, "pkg/web/web.go", "shared code packages/ui", "go.mod"]);
});
