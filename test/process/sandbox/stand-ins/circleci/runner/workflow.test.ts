import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { markedPids } from "../../../../../../sandbox/machine/process-identity.ts";
import { takePorts } from "../../../../../../sandbox/stand-ins/circleci/runner/services.ts";
import { CircleCiHarness, ended } from "../../../../../support/circleci-harness.ts";

let harness: CircleCiHarness;
beforeEach(async () => {
  harness = await CircleCiHarness.create();
});
afterEach(() => harness[Symbol.asyncDispose]());

const job = (name: string, step: string): string =>
  `  ${name}:\n    docker: [{ image: cimg/base:current }]\n    steps: [${step}]\n`;
const running = (pipeline: string): Promise<void> =>
  vi.waitFor(async () => expect(Object.values(await harness.jobStatuses(pipeline))).toContain("running"), {
    timeout: 10_000,
    interval: 20,
  });
const slow = `version: 2.1
jobs:
${job("slow", "{ run: sleep 1003 }")}${job("all", "{ run: 'true' }")}
workflows: { main: { jobs: [slow, all: { requires: [{ slow: terminal }] }] } }
`;

test("a setup config continues its pipeline once, with parameters and another config", async () => {
  const continued = `version: 2.1
parameters: { service: { type: string, default: none }, count: { type: integer, default: 1 } }
jobs:
${job("build", "{ run: 'echo << pipeline.parameters.service >> << pipeline.parameters.count >> << pipeline.git.branch >>' }")}
workflows:
  main: { when: { equal: [link, << pipeline.parameters.service >>] }, jobs: [build] }
  other: { when: { equal: [user, << pipeline.parameters.service >>] }, jobs: [build] }
`;
  const script = [
    `const body = (service) => JSON.stringify({ "continuation-key": process.env.CIRCLE_CONTINUATION_KEY,`,
    `  configuration: require("fs").readFileSync("more.yml", "utf8"), parameters: { service } });`,
    `const send = async (service) => console.log((await fetch(process.env.API + "/pipeline/continue",`,
    `  { method: "POST", body: body(service) })).status);`,
    `send("link").then(() => send("user"));`,
  ].join("\n");
  await harness.circleCi.close();
  const api = (): string => harness.circleCi.url;
  await harness.start({ jobs: { imageEnvironment: () => ({ PATH: process.env["PATH"] ?? "", API: api() }) } });
  const setup = `version: 2.1\nsetup: true\njobs:\n${job("plan", "checkout, { run: node continue.cjs }")}workflows: { plan: { jobs: [plan] } }\n`;
  const [pipeline = ""] = await harness.push(setup, { files: { "more.yml": continued, "continue.cjs": script } });
  await vi.waitFor(
    async () => {
      const all = await harness.workflows(pipeline);
      expect(all.map(({ name, status }) => `${name} ${status}`)).toEqual(["main success", "plan success"]);
    },
    { timeout: 20_000 },
  );
  expect(await harness.log(pipeline, "plan", "plan")).toContain("200\n400\n");
  expect(await harness.log(pipeline, "build", "main")).toContain("link 1 main\n");
});

test("an approval holds what requires it until someone approves", async () => {
  const [pipeline = ""] = await harness.push(
    `version: 2.1\njobs:\n${job("release", "{ run: 'true' }")}workflows: { main: { jobs: [approve: { type: approval }, release: { requires: [approve] }] } }\n`,
  );
  await vi.waitFor(async () => expect((await harness.workflows(pipeline))[0]?.status).toBe("on_hold"), {
    timeout: 30_000,
  });
  await vi.waitFor(
    () =>
      expect(harness.statuses).toMatchObject([
        { context: "ci/circleci: approve", state: "pending", description: "Your job is on hold on CircleCI!" },
      ]),
    { timeout: 30_000 },
  );
  // An approval that waits survives the process.
  await harness.circleCi.close();
  await harness.start();
  const [workflow] = await harness.workflows(pipeline);
  const [approval] = await harness.jobs(pipeline);
  await harness.ask("POST", `/workflow/${workflow?.id}/approve/${approval?.approval_request_id}`);
  expect(await ended(harness, pipeline)).toBe("success");
});

test("a workflow that is canceled ends its jobs, and starts no other; it can run again", async () => {
  const [pipeline = ""] = await harness.push(slow);
  await running(pipeline);
  const [workflow] = await harness.workflows(pipeline);
  await harness.ask("POST", `/workflow/${workflow?.id}/cancel`);
  expect(await ended(harness, pipeline)).toBe("canceled");
  expect(await harness.jobStatuses(pipeline)).toEqual({ slow: "canceled", all: "not_run" });
  await vi.waitFor(
    () =>
      expect(harness.statuses.at(-1)).toMatchObject({
        state: "failure",
        description: "Your CircleCI tests were canceled",
      }),
    { timeout: 30_000 },
  );
  await harness.ask("POST", `/workflow/${workflow?.id}/rerun`, { from_failed: true });
  await running(pipeline);
  expect(await harness.workflows(pipeline)).toHaveLength(2);
});

test("a newer push to a branch cancels the older pipeline, but not on the default branch", async () => {
  await harness.settings({ autocancel_builds: true });
  const [older = ""] = await harness.push(slow, { branch: "feature" });
  const [main = ""] = await harness.push(slow);
  await Promise.all([running(older), running(main)]);
  const [newer = ""] = await harness.push(slow, { branch: "feature", files: { a: "1" } });
  const [mainAgain = ""] = await harness.push(slow, { files: { a: "1" } });
  expect(await ended(harness, older)).toBe("canceled");
  await Promise.all([running(newer), running(main), running(mainAgain)]);
});

test("a killed CircleCI finds what ran when it starts again: failed, told to GitHub, and no process left", async () => {
  await harness.circleCi.close();
  const served = await harness.startProcess();
  const [pipeline = ""] = await harness.push(slow);
  await running(pipeline);
  await vi.waitFor(() => expect(markedPids(harness.folder).length).toBeGreaterThan(1), { timeout: 30_000 });
  served.kill("SIGKILL");
  await new Promise((resolve) => served.once("exit", resolve));
  expect(markedPids(harness.folder)).not.toEqual([]);
  await harness.start();
  expect(markedPids(harness.folder)).toEqual([]);
  expect(await ended(harness, pipeline)).toBe("failed");
  expect(await harness.jobStatuses(pipeline)).toEqual({ slow: "infrastructure_fail", all: "success" });
  await vi.waitFor(
    () => expect(harness.statuses.findLast(({ context }) => context.endsWith("slow"))?.state).toBe("error"),
    { timeout: 30_000 },
  );
});

test("the service containers of a job are real servers and show their logs, and jobs with the same port take turns, also with those of another sandbox", async () => {
  // No step waits for them by itself. The first thing that Postgres is asked, whether it encrypts; it answers N.
  const wait = "until (echo >/dev/tcp/localhost/5432) 2>/dev/null; do sleep 0.1; done";
  const ask = String.raw`exec 3<>/dev/tcp/localhost/5432; printf "\0\0\0\010\004\322\026\057" >&3; [ "$(head -c1 <&3)" = N ]`;
  const step = `{ run: '${wait}' }, { run: '${ask}' }`;
  const withServices = (name: string): string =>
    `  ${name}:\n    docker: [{ image: cimg/base:current }, { image: 'cimg/postgres:17.5', environment: { POSTGRES_PASSWORD: test } }]\n    steps: [${step}]\n`;
  const mongo =
    "  mongo:\n    docker: [{ image: cimg/base:current }, { image: 'mongo:8' }]\n    steps: [{ run: 'true' }]\n";
  using elsewhere = new DisposableStack();
  elsewhere.use(await takePorts([5432], () => undefined, AbortSignal.timeout(60_000)));
  const [pipeline = ""] = await harness.push(
    `version: 2.1\njobs:\n${withServices("one")}${withServices("two")}${mongo}workflows: { main: { jobs: [one, two, mongo] } }\n`,
  );
  await vi.waitFor(
    async () =>
      expect(await harness.log(pipeline, "one")).toContain(
        `waiting for port 5432, which a job of process ${process.pid} uses`,
      ),
    { timeout: 20_000 },
  );
  elsewhere.dispose();
  expect(await ended(harness, pipeline)).toBe("failed");
  expect(await harness.jobStatuses(pipeline)).toEqual({ one: "success", two: "success", mongo: "infrastructure_fail" });
  expect(await harness.log(pipeline, "one")).toContain("database system is ready to accept connections");
});

test("a step that fails runs again as often as it says, and no other does", async () => {
  const step = (name: string, more: string): string =>
    `{ run: { name: ${name}, command: 'echo ${name} >>${name}; [ "$(wc -l <${name})" -gt 2 ]', ${more} } }`;
  const [pipeline = ""] = await harness.push(
    `version: 2.1
jobs:
${job("enough", step("often", "max_auto_reruns: 2, auto_rerun_delay: 0s"))}${job("seldom", step("once", "max_auto_reruns: 1"))}${job("never", step("never", "when: on_success"))}workflows: { main: { jobs: [enough, seldom, never] } }
`,
  );
  expect(await ended(harness, pipeline)).toBe("failed");
  expect(await harness.jobStatuses(pipeline)).toEqual({ enough: "success", seldom: "failed", never: "failed" });
  expect(await harness.log(pipeline, "enough")).toMatch(/Rerun 1 of 2\n[^]*Rerun 2 of 2\n/);
  expect(await harness.log(pipeline, "never")).not.toContain("Rerun");
});
