import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../../core/atomic-file.ts";
import { writeStepRuntime } from "../../../../../sandbox/machine/images/step-runtime.ts";

const variables = [
  { GOPROXY: "http://127.0.0.1:5004/-/go?a=1&b=2|3", GOSUMDB: "off" },
  { npm_config_registry: "http://127.0.0.1:5004" },
];

/** What BuildKit would have a step run with: its configuration before and after the runtime has seen it. */
function runStep(env: readonly string[], rootless = false): { arguments: string; env: unknown; mounts: unknown } {
  using directory = temporaryDirectory("step runtime's ");
  const { path } = directory;
  const runc = join(path, "runc");
  writeFileSync(runc, `#!/bin/sh\necho "$@"\n`, { mode: 0o755 });
  const runtime = writeStepRuntime(path, { runc, rootless, variables });
  const config = { process: { args: ["sh", "-c", 'echo "env":['], env }, mounts: ["newinstance", "gid=5"] };
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  const said = execFileSync(runtime, ["--log", "a b", "run", "--bundle", path, "id"], { encoding: "utf8" });
  const changed: unknown = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  const { process: started, mounts } = changed as { process: { args: unknown; env: unknown }; mounts: unknown };
  expect(started.args).toEqual(config.process.args);
  return { arguments: said.replaceAll(path, "DIRECTORY"), env: started.env, mounts };
}

test("a step gets the variables besides its own", () => {
  expect(runStep(["PATH=/bin"])).toEqual({
    arguments: "--log a b run --bundle DIRECTORY id\n",
    env: [
      "npm_config_registry=http://127.0.0.1:5004",
      "GOPROXY=http://127.0.0.1:5004/-/go?a=1&b=2|3",
      "GOSUMDB=off",
      "PATH=/bin",
    ],
    mounts: ["newinstance", "gid=5"],
  });
});

test("what a Dockerfile says of a group's first variable counts for the whole group", () => {
  expect(runStep(["GOPROXY=direct", "NPM_CONFIG_REGISTRY=http://elsewhere"]).env).toEqual([
    "GOPROXY=direct",
    "NPM_CONFIG_REGISTRY=http://elsewhere",
  ]);
});

test("without root the group of terminals is left out", () => {
  expect(runStep(["PATH=/bin"], true).mounts).toEqual(["newinstance"]);
});
