import { chmodSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { LocalWorkspace } from "@pulumi/pulumi/automation/index.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runEngine } from "../../../../cli/pulumi/engine-run.ts";
import { findPulumi } from "../../../../cli/pulumi/pulumi-command.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../../../../core/atomic-file.ts";

let directory: TemporaryDirectory;
let path: string | undefined;

beforeEach(() => {
  directory = temporaryDirectory("delivery-pulumi-");
  path = process.env["PATH"];
  process.env["PATH"] = `${directory.path}${delimiter}${path}`;
});

afterEach(() => {
  process.env["PATH"] = path;
  directory[Symbol.dispose]();
});

/** A program in place of the Pulumi CLI. */
function fakePulumi(behaviour: string): void {
  const script = join(directory.path, "pulumi");
  writeFileSync(script, `#!/bin/sh\n${behaviour}\n`);
  chmodSync(script, 0o755);
}

async function whoAmI(minutes?: number): Promise<string> {
  const pulumiCommand = await findPulumi(process.env, minutes);
  const workspace = await LocalWorkspace.create({ workDir: directory.path, pulumiCommand });
  return (await workspace.whoAmI()).user;
}

test("whatever reads standard input finds its end at once", async () => {
  fakePulumi(`answer=$(cat)
    case $1 in version) echo v3.270.0 ;; *) echo "{\\"user\\": \\"<$answer>\\"}" ;; esac`);
  expect(await whoAmI()).toBe("<>");
});

test("a run that comes to no end is stopped, and says so", async () => {
  fakePulumi(`[ "$1" = version ] && exec echo v3.270.0
    sleep 60 & sleep 60`);
  const run = await runEngine(
    () => whoAmI(0.005),
    () => "unexplained",
  );
  expect(run).toMatchObject({
    stopped: true,
    failure: expect.stringMatching(
      /^`pulumi whoami` came to no end in 0\.005 min and was stopped: .*DELIVERY_ENGINE_MINUTES$/,
    ),
  });
});

test("a failure is still the SDK's own error, by which it tells stacks that are not there", async () => {
  fakePulumi(`[ "$1" = version ] && exec echo v3.270.0
    echo "error: no stack named 'dev' found" >&2; exit 255`);
  await expect(whoAmI()).rejects.toMatchObject({ name: "StackNotFoundError" });
});

test.each([
  ["v3.249.9", "the Pulumi CLI is 3.249.9; install 3.250 or newer"],
  ["v2.300.0", "the Pulumi CLI is 2.300.0; install 3.250 or newer"],
])("%s is too old", async (version, message) => {
  fakePulumi(`echo ${version}`);
  await expect(whoAmI()).rejects.toThrow(message);
});

test.each(["0", "-1", "1.5", "10m", "1e3", "99999"])("DELIVERY_ENGINE_MINUTES=%s is refused", async (value) => {
  await expect(findPulumi({ ...process.env, DELIVERY_ENGINE_MINUTES: value })).rejects.toThrow(
    `DELIVERY_ENGINE_MINUTES=${JSON.stringify(value)}: must be a whole number of minutes`,
  );
});
