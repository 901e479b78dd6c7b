import { globSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { assertSourcesCommitted } from "../../../../cli/ci-config/uncommitted-sources.ts";
import type { ServiceSettings } from "../../../../components/service.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";
import { SourceCheckout } from "../../../support/source-checkout.ts";

test.each<[copy: string, settings: ServiceSettings, refused: boolean]>([
  ["COPY target/a.jar /", {}, true],
  ["COPY svc/a/dist /dist", {}, true],
  ["FROM x AS y\nCOPY common target /", {}, true],
  ["COPY target/a.jar /", { paths: ["common"] }, false],
  ["COPY common /", {}, false],
  ["COPY common/C.java new.txt /", {}, false],
  ["COPY . .", {}, false],
  ["COPY target/*.jar /", {}, false],
  ["COPY --from=build target/a.jar /", {}, false],
])("a Dockerfile with %j and %j", async (copy, settings, refused) => {
  using checkout = new SourceCheckout();
  using sample = new SampleMonorepo({});
  checkout.commit({ ".gitignore": "target/\ndist\n", "common/C.java": "1", "svc/a/Dockerfile": `FROM x\n${copy}\n` });
  for (const file of ["target/a.jar", "svc/a/dist/x.js", "new.txt"]) {
    mkdirSync(dirname(join(checkout.root, file)), { recursive: true });
    writeFileSync(join(checkout.root, file), "");
  }
  const services = globSync("svc/*", { cwd: checkout.root }).map((path) => ({
    ...settings,
    name: "a",
    directory: join(checkout.root, path),
    port: 7070,
    dockerfile: join(checkout.root, path, "Dockerfile"),
    context: checkout.root,
  }));
  const checked = assertSourcesCommitted({ ...sample.monorepo(), root: checkout.root, services });
  if (refused)
    await expect(checked).rejects.toThrow(/svc\/a\/Dockerfile: COPY .*: there is no such file in the commits/);
  else await checked;
});
