import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";
import { asProgramConfig, readStackFile } from "../../../stacks/stack-file.ts";
import { stackSecrets } from "../../support/declared-stack.ts";
import { openMockEngine, runProgram } from "../../support/mock-engine.ts";

test("a preview and an update say which Dockerfiles are no services, and go on", async () => {
  const app = relative(process.cwd(), mkdtempSync(join(tmpdir(), "unclaimed-")));
  for (const directory of ["svc/link", "tools/migrate"]) {
    mkdirSync(join(app, directory), { recursive: true });
    writeFileSync(join(app, directory, "Dockerfile"), "FROM scratch\nEXPOSE 7070\n");
  }
  execFileSync("git", ["init", "--quiet", app]);
  const said = vi.spyOn(pulumi.log, "info").mockResolvedValue();
  const secrets = Object.fromEntries(Object.entries(stackSecrets).map(([key, value]) => [`delivery:${key}`, value]));
  const settings = { ...readStackFile("sandbox"), "delivery:app": { name: "shop", directory: app }, ...secrets };
  const engine = await openMockEngine("sandbox", {
    values: asProgramConfig({ ...settings, "delivery:delivery": "direct" }),
    secretKeys: Object.keys(secrets),
  });
  try {
    await runProgram();
    expect(said.mock.calls.map(([message]) => message)).toEqual([
      `no service has ${join(app, "tools/migrate/Dockerfile")}: app.services of stacks/Pulumi.sandbox.yaml is "svc/*"`,
    ]);
    expect(Object.keys(await engine.resources()).some((urn) => urn.includes("Deployment"))).toBe(true);
  } finally {
    rmSync(dirname(join(app, "x")), { recursive: true });
  }
});
