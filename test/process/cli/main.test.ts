import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

function delivery(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/delivery.js", ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("lists its commands", () => {
  const { status, stdout } = delivery("--help");
  expect(status).toBe(0);
  for (const command of ["release", "promote", "rollback", "watch"])
    expect(stdout).toMatch(new RegExp(`^  ${command} +\\w`, "m"));
});

test.each<[args: string[], message: RegExp]>([
  [["relase"], /^error: "relase" is no command; there are ([a-z-]+, )*release, promote, rollback, watch[, a-z-]*\n$/],
  [["constructor"], /^error: "constructor" is no command; there are [a-z]/],
  [["--env", "dev"], /^error: --env comes before the name of a command\n$/],
])("a wrong command line has exit status 2: %j", (args, message) =>
  expect(delivery(...args)).toEqual({ status: 2, stdout: "", stderr: expect.stringMatching(message) }),
);

test("a failure has exit status 1, and no stack trace", () => {
  const { status, stderr } = delivery("rollback", "--env", "dev", "--repository", "file:///no/such/repository");
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: file:\/\/\/no\/such\/repository is no Git repository/);
  expect(stderr).not.toMatch(/^\s+at /m);
});
