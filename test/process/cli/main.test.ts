import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  [["relase"], /^error: "relase" is no command; there are ([a-z-]+, )*release, [a-z-]+[, a-z-]*\n$/],
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

test("in a fresh clone, says what to run first", () => {
  const clone = mkdtempSync(join(tmpdir(), "clone-"));
  try {
    cpSync("cli/delivery.js", join(clone, "cli/delivery.js"));
    cpSync("package.json", join(clone, "package.json"));
    const { status, stderr } = spawnSync(process.execPath, ["cli/delivery.js", "init"], {
      cwd: clone,
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([
      1,
      `error: the npm packages of this program are missing; run \`npm ci\` in ${clone}\n`,
    ]);
    // npx prepares the package before it starts the command, and says nothing of what fails there.
    expect(spawnSync("npm", ["run", "-s", "prepare"], { cwd: clone }).status).toBe(0);
  } finally {
    rmSync(clone, { recursive: true });
  }
});
