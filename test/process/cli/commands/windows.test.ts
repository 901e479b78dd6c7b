import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Command } from "../../../../cli/command.ts";
import { command as promote } from "../../../../cli/commands/promote.ts";
import { command as release } from "../../../../cli/commands/release.ts";
import { command as rollback } from "../../../../cli/commands/rollback.ts";
import { errorMessage } from "../../../../core/error.ts";
import {
  initialRecord,
  parseRecord,
  recordPath,
  recordWith,
  type ReleaseRecord,
} from "../../../../git/release-record.ts";
import { BareRepository } from "../../../support/bare-repository.ts";
import { writeStackSettings } from "../../../support/stack-settings.ts";

const [one, two, three] = [1, 2, 3].map((digit) => `sha256:${String(digit).repeat(64)}`) as [string, string, string];
const program = process.cwd();
const frozen = { reason: "Christmas", until: "2999-12-27T12:00:00Z" };
const thawed = { reason: "Christmas", until: "2001-12-27T12:00:00Z" };

let directory: string;
let repository: BareRepository;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "windows-"));
  mkdirSync(join(directory, "stacks"));
  process.chdir(directory);
});
afterAll(() => {
  process.chdir(program);
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  repository = new BareRepository();
  repository.commit({
    [recordPath("dev", "link")]: pinned("link", one),
    [recordPath("dev", "user")]: initialRecord("user"),
    [recordPath("staging", "link")]: initialRecord("link"),
  });
  declare("dev", { freeze: frozen });
  declare("staging", { promotion: { from: "dev" } });
});
afterEach(() => repository[Symbol.dispose]());

function declare(name: string, settings: Record<string, unknown>): void {
  const config = {
    schemaVersion: 2,
    app: { name: "shop", directory: "gone" },
    images: { organization: "acme", username: "acme-ci", source: "registry" },
    ci: { organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
    gitops: { repository: "https://git.example/acme/deploy.git" },
    ...settings,
  };
  writeStackSettings(directory, name, config);
}

function pinned(service: string, digest: string): string {
  return recordWith({ repository: `docker.io/acme/shop-${service}`, digest });
}

interface Outcome {
  output: string;
  notes: string;
  /** Empty where it did not fail. */
  error: string;
}

async function run(command: Command, ...args: string[]): Promise<Outcome> {
  const [lines, notes]: [string[], string[]] = [[], []];
  const error = await command
    .run(["--repository", repository.url, "--unverified", ...args], {
      environment: { PATH: process.env["PATH"] },
      print: (line) => lines.push(line),
      note: (line) => notes.push(line),
      input: async () => "",
      signal: new AbortController().signal,
    })
    .then(
      () => "",
      (reason: unknown) => errorMessage(reason),
    );
  return { output: lines.join("\n"), notes: notes.join("\n"), error };
}
const released = (digest: string, ...args: string[]): Promise<Outcome> =>
  run(release, "--env", "dev", "--service", `link=${digest}`, ...args);
const resumed = (environment = "dev"): Promise<Outcome> => run(release, "--env", environment, "--waiting");

function record(service = "link", environment = "dev"): ReleaseRecord {
  const parsed = parseRecord("record", repository.files()[recordPath(environment, service)] ?? "");
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed;
}

describe("while nothing may be released", () => {
  test("a release is noted, says until when it waits, and fails nothing; what runs stays", async () => {
    const { output, error } = await released(two, "--service", `user=${one}`, "--source-commit", "0123456");
    expect(error).toBe("");
    expect(output).toMatch(
      /^dev: link sha256:2{12} waits until 2999-12-27T12:00:00\.000Z: it is frozen: Christmas; .*\ndev: user sha256:1{12} waits/,
    );
    expect(record()).toMatchObject({ image: { digest: one }, waiting: { digest: two, sourceCommit: "0123456" } });
    expect(record("user")).toMatchObject({ image: undefined, waiting: { digest: one } });
    expect(repository.subjects()[0]).toBe(
      "wait(dev): link sha256:222222222222, user sha256:111111111111 until 2999-12-27T12:00:00.000Z",
    );
    // Once more is the same.
    const head = repository.git("rev-parse", "main");
    expect((await resumed()).output).toContain("waits until 2999");
    expect(repository.git("rev-parse", "main")).toBe(head);
  });

  test("the newest that waits is what is released once it may be", async () => {
    await released(two);
    await released(three, "--service", `user=${one}`);
    declare("dev", { freeze: thawed });
    expect((await resumed()).output).toMatch(
      /^dev: link sha256:1{12} → sha256:3{12}\ndev: user \(nothing\) → sha256:1{12}$/m,
    );
    expect(record()).toMatchObject({ image: { digest: three } });
    expect([record().waiting, record("user").waiting]).toEqual([undefined, undefined]);
    expect((await resumed()).output).toBe("dev: nothing waits");
  });

  test("what runs already takes the place of what waits", async () => {
    await released(two);
    await released(one);
    expect(record()).toMatchObject({ image: { digest: one } });
    expect(record().waiting).toBeUndefined();
  });

  test("who has a reason need not wait, and the commit has it", async () => {
    await released(three);
    const { output, error } = await released(two, "--break-glass", "payments are down");
    expect([output.split("\n")[0], error]).toEqual(["dev: link sha256:111111111111 → sha256:222222222222", ""]);
    expect(repository.git("log", "-1", "--format=%(trailers:key=Break-Glass,valueonly)")).toBe("payments are down");
    expect(record().waiting).toBeUndefined();
    expect((await released(one, "--break-glass", " ")).error).toMatch(/--break-glass " ": must say in one line why/);
  });

  test("a rollback does not wait, and takes nothing from what is to come", async () => {
    await released(two, "--break-glass", "it is urgent");
    await released(three);
    await run(rollback, "--env", "dev", "--service", "link");
    expect(record()).toMatchObject({ image: { digest: one }, rejected: { digest: two }, waiting: { digest: three } });
  });
});

describe("a promotion", () => {
  beforeEach(async () => {
    declare("staging", { promotion: { from: "dev" }, freeze: frozen });
    await run(promote, "--to", "staging");
  });

  test("waits likewise, and is released by the next run that may", async () => {
    expect(record("link", "staging")).toMatchObject({ image: undefined, waiting: { digest: one } });
    declare("staging", { promotion: { from: "dev" } });
    await resumed("staging");
    expect(record("link", "staging")).toMatchObject({ image: { digest: one } });
  });

  test("no longer waits where the environment before has moved on", async () => {
    repository.commit({ [recordPath("dev", "link")]: pinned("link", two) });
    declare("staging", { promotion: { from: "dev" } });
    expect(await resumed("staging")).toMatchObject({
      output: "staging: nothing waits",
      notes: expect.stringContaining("link no longer waits: sha256:111111111111 is not what dev runs by now"),
    });
    expect(record("link", "staging").image).toBeUndefined();
  });
});
