import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { identify } from "../../../../../../sandbox/machine/process-identity.ts";
import { poolSize } from "../../../../../../sandbox/stand-ins/circleci/runner/checkout-pool.ts";
import { CircleCiHarness, ended } from "../../../../../support/circleci-harness.ts";

let harness: CircleCiHarness;
beforeEach(async () => {
  harness = await CircleCiHarness.create();
});
afterEach(() => harness[Symbol.asyncDispose]());

/** A config of jobs that each run one command. */
function configOf(commands: Record<string, string>, workflow: string): string {
  const jobs = Object.entries(commands).map(
    ([name, command]) => `  ${name}:\n    docker: [{ image: cimg/base:current }]\n    steps: [${command}]\n`,
  );
  return `version: 2.1\njobs:\n${jobs.join("")}workflows:\n  main:\n    jobs:\n${workflow}`;
}

test("jobs run in the order that they require, with the commit checked out", async () => {
  const [pipeline = ""] = await harness.push(
    configOf(
      {
        one: "checkout, { run: 'cat hello.txt; git log --oneline | wc -l' }",
        two: "{ run: 'echo $CIRCLE_JOB $CIRCLE_BRANCH $CIRCLE_BUILD_NUM; echo $HOME' }",
        three: "{ run: 'true' }",
      },
      "      - three: { requires: [one, two] }\n      - one\n      - two: { requires: [one] }\n",
    ),
    { files: { "hello.txt": "hello\n" } },
  );
  expect(await ended(harness, pipeline)).toBe("success");
  expect(await harness.log(pipeline, "one")).toContain("hello\n1\n");
  expect(await harness.log(pipeline, "two")).toContain("two main 2\n");
  const numbers = Object.fromEntries((await harness.jobs(pipeline)).map((job) => [job.name, job.job_number]));
  expect(numbers).toEqual({ one: 1, two: 2, three: 3 });
});

test("a checkout that was there before the commit is like one made for it", async () => {
  const folder = join(harness.folder, "ci", "checkouts");
  const checkouts = (): string[] =>
    (existsSync(folder) ? readdirSync(folder) : []).flatMap((repository) => readdirSync(join(folder, repository)));
  const shown = "git status --short; ls; cat hello.txt; git rev-parse HEAD main origin/main; git rev-list --count HEAD";
  const config = configOf({ one: `checkout, { run: '${shown}; git symbolic-ref HEAD' }` }, "      - one\n");
  const [first = ""] = await harness.push(config, { files: { "hello.txt": "hello\n", "old.txt": "" } });
  expect(await ended(harness, first)).toBe("success");
  await vi.waitFor(() => expect(checkouts().filter((name) => !name.endsWith(".new"))).toHaveLength(poolSize), {
    timeout: 30_000,
  });
  const before = checkouts();
  harness.repository.git("tag", "v1");
  const [second = ""] = await harness.push(config, { files: { "hello.txt": "good-bye\n", "old.txt": undefined } });
  expect(await ended(harness, second)).toBe("success");
  expect(checkouts()).not.toEqual(before);
  const newest = harness.repository.git("rev-parse", "main");
  expect(await harness.log(second, "one")).toContain(
    `hello.txt\ngood-bye\n${`${newest}\n`.repeat(3)}2\nrefs/heads/main\n`,
  );
});

test("after a failure only what wants one runs, and GitHub hears of each job", async () => {
  const [pipeline = ""] = await harness.push(
    configOf(
      {
        test: "{ run: exit 3 }, { run: { command: echo after, when: on_fail } }, { run: never }",
        release: "{ run: echo }",
        all: "{ run: 'true' }",
      },
      "      - test\n      - release: { requires: [test] }\n      - all: { requires: [{ test: terminal }, { release: terminal }] }\n",
    ),
  );
  expect(await ended(harness, pipeline)).toBe("failed");
  expect(await harness.jobStatuses(pipeline)).toEqual({ test: "failed", release: "not_run", all: "success" });
  const log = await harness.log(pipeline, "test");
  expect(log).toContain("Exited with code exit status 3");
  expect(log).toContain("after\n");
  await vi.waitFor(
    () =>
      expect(harness.statuses.map(({ context, state }) => `${context} ${state}`)).toEqual([
        "ci/circleci: test pending",
        "ci/circleci: test failure",
        "ci/circleci: all pending",
        "ci/circleci: all success",
      ]),
    { timeout: 30_000 },
  );
  expect(harness.statuses[1]?.description).toBe("Your tests failed on CircleCI");
  expect(await (await fetch(harness.statuses[1]?.target_url ?? "")).text()).toContain("==== exit 3 (failed)");
});

test("files travel by the workspace, and only from the jobs before", async () => {
  const [pipeline = ""] = await harness.push(
    configOf(
      {
        one: "{ run: 'mkdir -p ../kept/done && echo 1 > ../kept/done/one' }, { persist_to_workspace: { root: ../kept, paths: [done/*] } }",
        two: "{ run: 'mkdir -p ../kept/done && echo 2 > ../kept/done/two' }, { persist_to_workspace: { root: ../kept, paths: [done/two] } }",
        aside:
          "{ run: 'mkdir ../kept && touch ../kept/aside' }, { persist_to_workspace: { root: ../kept, paths: [aside] } }",
        sum: "{ attach_workspace: { at: ../kept } }, { run: 'cd ../kept && find . -type f | sort' }",
        none: "{ persist_to_workspace: { root: ../kept, paths: [nothing] } }",
      },
      "      - one\n      - two: { requires: [one] }\n      - aside\n      - sum: { requires: [two] }\n      - none\n",
    ),
  );
  expect(await ended(harness, pipeline)).toBe("failed");
  expect(await harness.log(pipeline, "sum")).toContain("./done/one\n./done/two\n");
  expect(await harness.log(pipeline, "sum")).not.toContain("aside");
  expect((await harness.jobStatuses(pipeline))["none"]).toBe("failed");
});

test("cached packages come back by links, and those of the checkout are its own", async () => {
  const config = configOf(
    {
      one: "{ run: 'mkdir -p node_modules/p node_modules/@s own; echo package > node_modules/p/file; ln -s ../../own node_modules/@s/own' }, { save_cache: { key: v1, paths: [node_modules] } }",
      two: "{ run: 'mkdir own; echo mine > own/file' }, { restore_cache: { keys: [v1] } }, { run: 'cat node_modules/p/file node_modules/@s/own/file; [ -L node_modules/p ]' }",
    },
    "      - one\n      - two: { requires: [one] }\n",
  );
  const [pipeline = ""] = await harness.push(config, { files: {} });
  expect(await ended(harness, pipeline)).toBe("success");
  expect(await harness.log(pipeline, "two")).toContain("package\nmine\n");
});

test("a cache comes back where its key begins with what is asked for", async () => {
  const save = "{ save_cache: { key: 'v1-{{ checksum \"lock\" }}', paths: [modules, ~/home-cache] } }";
  const config = configOf(
    {
      one: `checkout, { run: 'mkdir -p modules/a ~/home-cache; ln -s ../x modules/link; echo kept > modules/a/file; echo 1 > ~/home-cache/f' }, ${save}`,
      two: "checkout, { restore_cache: { keys: ['v1-{{ checksum \"lock\" }}', v1-] } }, { run: 'cat modules/a/file ~/home-cache/f; readlink modules/link' }",
      three: "{ restore_cache: { keys: [v2-] } }, { run: '[ ! -e modules ]' }",
    },
    "      - one\n      - two: { requires: [one] }\n      - three: { requires: [one] }\n",
  );
  const [first = ""] = await harness.push(config, { files: { lock: "1" } });
  expect(await ended(harness, first)).toBe("success");
  expect(await harness.log(first, "two")).toContain("kept\n1\n../x\n");
  const [second = ""] = await harness.push(config, { files: { lock: "1", other: "2" } });
  expect(await ended(harness, second)).toBe("success");
  expect(await harness.log(second, "one")).toContain("Skipping cache generation");
});

test("variables come from BASH_ENV, the job, the step and the image, and nothing of the server's own", async () => {
  await harness.circleCi.close();
  await harness.start({ jobs: { imageEnvironment: () => ({ PATH: process.env["PATH"] ?? "", IMAGE: "image" }) } });
  const [pipeline = ""] = await harness.push(
    [
      "version: 2.1",
      "jobs:",
      "  one:",
      "    docker: [{ image: cimg/base:current }]",
      "    environment: { JOB: job, BOTH: job, BASE: << pipeline.git.base_revision >> }",
      "    steps:",
      '      - run: echo \'export LATER=later; hello() { echo "hello $1"; }\' >> "$BASH_ENV"',
      "      - run: { command: 'hello world; echo $IMAGE $JOB $BOTH $LATER \"$BASE\"', environment: { BOTH: step } }",
      "      - run: { name: '', command: 'env | cut -d= -f1 | sort | tr \"\\n\" \" \"', background: false }",
      "workflows: { main: { jobs: [one] } }",
    ].join("\n"),
  );
  expect(await ended(harness, pipeline)).toBe("success");
  const log = await harness.log(pipeline, "one");
  expect(log).toContain("hello world\nimage job step later <nil>\n");
  expect(log).not.toMatch(/VITEST|NODE_ENV|GITHUB|DELIVERY_SANDBOX/);
});

test("what a job has started ends with it, and its files go", async () => {
  const [pipeline = ""] = await harness.push(
    configOf(
      {
        one: "{ run: { command: sleep 1000, background: true } }, { run: 'setsid sleep 1001 </dev/null & echo \"pid $! in $PWD\"' }",
      },
      "      - one\n",
    ),
  );
  expect(await ended(harness, pipeline)).toBe("success");
  const [, pid = "", directory = ""] = /pid (\d+) in (\S+)/.exec(await harness.log(pipeline, "one")) ?? [];
  expect(identify(Number(pid))).toBeUndefined();
  expect(directory).not.toBe("");
  // No job waits for that.
  await vi.waitFor(() => expect(existsSync(directory)).toBe(false), { timeout: 30_000 });
});

test("a commit with [skip ci], a deleted branch and an empty new branch start nothing, and a delivery counts once", async () => {
  const config = configOf({ one: "{ run: 'true' }" }, "      - one\n");
  expect(await harness.push(config, { message: "docs [skip ci]" })).toEqual([]);
  const gone = { ref: "refs/heads/x", before: "1".repeat(40), after: "0".repeat(40), deleted: true };
  expect(await harness.hook("push", { ...gone, repository: harness.repositoryOfEvent() })).toEqual([]);
  const head = harness.repository.git("rev-parse", "main");
  const empty = { ref: "refs/heads/y", before: "0".repeat(40), after: head, created: true, commits: [] };
  expect(await harness.hook("push", { ...empty, repository: harness.repositoryOfEvent() })).toEqual([]);
  const push = { ref: "refs/heads/main", before: head, after: head, repository: harness.repositoryOfEvent() };
  const first = await harness.hook("push", push, "delivery-1");
  expect(first).toHaveLength(1);
  expect(await harness.hook("push", push, "delivery-1")).toEqual(first);
  await ended(harness, first[0] ?? "");
});

test("a config that is missing, or that this CircleCI does not know, gives an errored pipeline", async () => {
  const [unknown = ""] = await harness.push("version: 2.1\norbs: { node: circleci/node@5 }\n");
  expect(await ended(harness, unknown)).toBe("error");
  expect(await harness.ask("GET", `/pipeline/${unknown}`)).toMatchObject({
    state: "errored",
    errors: [{ type: "config", message: expect.stringContaining('does not know the key "orbs"') }],
  });
  await vi.waitFor(
    () => expect(harness.statuses[0]).toMatchObject({ context: "ci/circleci: Build Error", state: "failure" }),
    { timeout: 30_000 },
  );
  const after = harness.repository.commit({ ".circleci/config.yml": undefined });
  const event = { ref: "refs/heads/main", before: after, after, repository: harness.repositoryOfEvent() };
  const [missing = ""] = await harness.hook("push", event);
  expect(await ended(harness, missing)).toBe("error");
});

test("GitHub hears of everything, also when it was away", async () => {
  harness.away = 3;
  const [pipeline = ""] = await harness.push(configOf({ one: "{ run: 'true' }" }, "      - one\n"));
  expect(await ended(harness, pipeline)).toBe("success");
  await vi.waitFor(() => expect(harness.statuses.at(-1)).toMatchObject({ state: "success" }), { timeout: 10_000 });
});
