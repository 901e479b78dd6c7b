import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { queryRange } from "../../../../cli/judgment/prometheus.ts";
import { PrometheusStandIn, type OtherAnswer } from "../../../support/prometheus-stand-in.ts";

let server: PrometheusStandIn;
const directory = mkdtempSync(join(tmpdir(), "judge-"));
const file = join(directory, "judgment.yaml");

beforeAll(async () => {
  server = await PrometheusStandIn.start();
});
afterEach(() => {
  server.requests.length = 0;
  server.answers.length = 0;
  server.value = () => "1";
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await server[Symbol.asyncDispose]();
});

const metrics = {
  errors: {
    query: 'sum(rate(errors{pod=~"${pods}"}[1m]))',
    direction: "increase",
    critical: true,
    missing: "zero",
  },
  latency: { query: 'avg(latency{pod=~"${pods}"})', direction: "increase", effect: { increase: 1.2 } },
};
const scopes = { canary: { pods: "link-canary-.*" }, baseline: { pods: "link-baseline-.*" } };

async function delivery(...args: string[]) {
  const child = spawn(process.execPath, ["cli/delivery.js", "judge", ...args], {
    env: { ...process.env, DELIVERY_METRICS_TOKEN: "let-me-in" },
  });
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((done) => child.on("close", done)),
  ]);
  return { status, stdout, stderr };
}

async function judge(settings: object, ...args: string[]) {
  writeFileSync(file, stringify({ prometheus: server.url, minutes: 5, metrics, scopes, ...settings }));
  return delivery("--file", file, "--to", "2026-03-01T12:00:00Z", ...args);
}

const wave = (middle: number, seconds: number): string => String(middle * (1 + Math.sin(seconds) / 10));

test("a canary like its baseline passes, and the server was asked for both of each", async () => {
  server.value = (query, seconds) => (query.includes("errors") ? undefined : wave(0.2, seconds));
  const { status, stdout } = await judge({});
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^✓ The canary passes: score 100 of 100\n/)]);
  const end = Date.parse("2026-03-01T12:00:00Z") / 1000;
  expect(server.requests).toHaveLength(4);
  expect(server.requests[0]).toEqual({
    query: 'sum(rate(errors{pod=~"link-canary-.*"}[1m]))',
    start: end - 300,
    end,
    step: 10,
    authorization: "Bearer let-me-in",
  });
});

test("5 % of errors are critical; what was judged is judged alike from its file, without the server", async () => {
  server.value = (query, seconds) => {
    if (query.includes("errors")) return query.includes("canary") ? wave(0.05, seconds) : undefined;
    return wave(0.2, seconds);
  };
  const saved = join(directory, "saved.json");
  const live = await judge({}, "--json", "--save", saved);
  expect(live.status).toBe(1);
  expect(JSON.parse(live.stdout)).toMatchObject({ verdict: "fail", score: 0, reason: "critical: errors is high" });
  expect(live.stderr).toBe("error: the canary does not pass: its score is 0, and 95 is asked for\n");
  server.requests.length = 0;
  expect(await delivery("--file", saved, "--json")).toEqual(live);
  expect(server.requests).toEqual([]);
  expect(readFileSync(saved, "utf8")).not.toContain("let-me-in");
});

test("a marginal score is enough where the canary goes on", async () => {
  server.value = (query, seconds) => wave(query.includes("latency") && query.includes("canary") ? 0.4 : 0.2, seconds);
  const settings = { groups: { errors: 80 }, metrics };
  expect((await judge(settings)).status).toBe(1);
  const { status, stdout } = await judge(settings, "--interim", "--markdown");
  expect(status).toBe(0);
  expect(stdout).toContain("**… The canary is marginal: score 80 of 100**\n\n| metric | group | baseline |");
  expect(stdout).toMatch(/^\| <code>latency<\/code> \| latency \| 0\.1995 \(31\) \| 0\.399 \(31\) \| .+ \| high \|$/m);
});

test("no traffic does not pass", async () => {
  server.value = () => undefined;
  const { status, stdout } = await judge({});
  expect([status, stdout]).toEqual([1, expect.stringMatching(/^latency +latency +- +- +- +missing$/m)]);
});

test("a server that is busy is asked again", async () => {
  server.answers.push({ status: 503, body: "" }, { status: 429, body: "slow down" });
  expect((await judge({})).status).toBe(0);
  expect(server.requests).toHaveLength(6);
});

const answer = (data: object, more: object = {}): OtherAnswer => ({
  status: 200,
  body: JSON.stringify({ status: "success", data, ...more }),
});
const series = (...values: string[]) => ({ metric: {}, values: values.map((value) => [1772366100, value]) });

const remark =
  'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "errors" (1:10)';

test("a remark on a query is no warning: Thanos has both in one list", async () => {
  const values = Array.from({ length: 31 }, (_, step) => [1772366100 + step * 10, "1"]);
  for (let query = 0; query < 4; query++)
    server.answers.push(
      answer({ resultType: "matrix", result: [{ metric: {}, values }] }, { warnings: [remark], infos: [] }),
    );
  expect(await judge({})).toMatchObject({ status: 0, stderr: "" });
});

test.each<[name: string, answer: OtherAnswer, message: RegExp]>([
  [
    "a page to log in at",
    { status: 200, body: "<html>\nLog in</html>" },
    /answers 200 with what is no answer .*: "<html> Log in<\/html>"/,
  ],
  ["an empty body", { status: 200, body: "" }, /answers 200 with .*: an empty body/],
  ["JSON of something else", { status: 200, body: '{"up":true}' }, /answers 200 with what is no answer/],
  [
    "a redirection",
    { status: 302, body: "", headers: { location: "https://sso.test/" } },
    /leads to https:\/\/sso\.test\//,
  ],
  ["no rights", { status: 401, body: "" }, /answers 401; a token for it goes into DELIVERY_METRICS_TOKEN/],
  [
    "a wrong query",
    { status: 400, body: '{"status":"error","errorType":"bad_data","error":"parse error"}' },
    /refuses sum.*: parse error/,
  ],
  [
    "an instant's answer",
    answer({ resultType: "vector", result: [] }),
    /no answer of Prometheus' API to a range query/,
  ],
  ["several series", answer({ resultType: "matrix", result: [series("1"), series("2")] }), /gives 2 series; make one/],
  [
    "infinity",
    answer({ resultType: "matrix", result: [series("+Inf")] }),
    /is \+Inf at 2026-03-01T11:55:00\.000Z; .*finite/,
  ],
  [
    "a partial answer",
    answer({ resultType: "matrix", result: [] }, { warnings: ["store-2 is away"] }),
    /warns of .*: store-2 is away/,
  ],
  [
    "a warning beside a remark",
    answer({ resultType: "matrix", result: [] }, { warnings: [remark, "PromQL warning: no bucket"] }),
    /warns of .*\): PromQL warning: no bucket\n/,
  ],
])("%s is an error", async (_, first, message) => {
  server.answers.push(first);
  const { status, stderr } = await judge({});
  expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
});

test("a server that cannot be reached is an error", async () => {
  const away = { url: "http://127.0.0.1:1", signal: new AbortController().signal, pauses: [] };
  const range = { from: new Date(0), to: new Date(10_000), step: 10 };
  await expect(queryRange(away, "up", range)).rejects.toThrow(/^http:\/\/127\.0\.0\.1:1 cannot be reached/);
});

test.each<[name: string, settings: object, message: RegExp]>([
  [
    "a name that no scope has",
    { scopes: { canary: scopes.canary } },
    /^error: \S+judgment\.yaml: metrics\.errors\.query: \$\{pods\} is not in scopes\.baseline; .*--baseline pods=VALUE/,
  ],
  [
    "one query for both",
    { scopes: { canary: scopes.canary, baseline: scopes.canary } },
    /^error: \S+judgment\.yaml: metrics\.errors\.query: is the same for canary and baseline/,
  ],
])("%s is refused before anyone is asked", async (_, settings, message) => {
  const { status, stderr } = await judge(settings);
  expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
  expect(server.requests).toEqual([]);
});

test("scopes come from the command line, too; quotes in them are refused", async () => {
  expect((await judge({ scopes: { canary: scopes.canary } }, "--baseline", "pods=link-old-.*")).status).toBe(0);
  expect(server.requests[1]?.query).toContain('pod=~"link-old-.*"');
  expect(await judge({}, "--canary", 'pods=a"} or vector(0)#')).toMatchObject({ status: 2, stdout: "" });
});
