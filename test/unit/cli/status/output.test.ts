import { expect, test } from "vitest";
import type { Stage, State } from "../../../../cli/status/model.ts";
import { renderStatus, statusPage, verdict } from "../../../../cli/status/output.ts";
import { pipelinePicture, textWidth, wrap } from "../../../../cli/status/picture.ts";
import { ageBetween, statusText } from "../../../../cli/status/text.ts";
import { recordedJudgment } from "../../../support/sample-judgment.ts";
import { sampleService, sampleStatus } from "../../../support/sample-status.ts";

test("the text has one line per service", () => {
  expect(statusText(sampleStatus())).toBe(`shop · dev · delivery gitops

✓ Source    a1b2ca1 on main
? CI        not reachable
✓ Registry  4 of 4 images
✓ Git       4 of 5 released at 9f8e79f
… Argo CD   3 of 5 Synced, Healthy
✗ Cluster   2 of 4 rolled out

  SERVICE       COMMIT   IMAGE                RELEASE  SYNC       HEALTH       AGE
✓ api-gateway   a1b2ca1  sha256:333333333333  9f8e79f  Synced     Healthy      5m
✓ link          a1b2ca1  sha256:333333333333  9f8e79f  Synced     Healthy      5m
… news          a1b2ca1  sha256:444444444444  9f8e79f  OutOfSync  Progressing  12s
✗ social-graph  -        sha256:333333333333  9f8e79f  Synced     Degraded     3d
? user          -        -                    -        Synced     Suspended    -

… news: the released image does not run yet
✗ social-graph: Deployment "social-graph" exceeded its progress deadline
? user: not released yet

news: not tested, as \`test: none\` says

CI: set CIRCLE_TOKEN to an API token of CircleCI to see it`);
});

const judged = { ...recordedJudgment, digest: `sha256:${"5".repeat(64)}`, takenBack: true } as const;

test("what the metrics of an image came to is a line of the text, and a picture in the page that says the same in words", () => {
  const status = sampleStatus({ services: [sampleService({ judgment: judged })] });
  expect(statusText(status)).toContain(
    "\n  link: sha256:555555555555, taken back, was judged 45 of 100: errors 0, latency 50, traffic 100\n",
  );
  const page = statusPage(status);
  expect(page).toContain(
    'aria-label="score 45 of 100, which fails: errors 0 × 40 % (errors high); latency 50 × 30 % (slow low, slowest pass); traffic 100 × 30 % (traffic pass, cache no data)"',
  );
  expect(statusPage(sampleStatus())).not.toContain("Judged by their metrics");
});

test("a name in the text cannot steer the terminal", () => {
  const text = statusText(sampleStatus({ services: [sampleService({ service: "a\u001B[2J\u202Eb" })] }));
  expect(text).not.toContain("\u001B");
  expect(text).not.toContain("\u202E");
});

test("the JSON is the model", () => {
  const status = sampleStatus();
  expect(JSON.parse(renderStatus(status, { json: true }))).toEqual(status);
});

test("a file that cannot be written is named", () => {
  expect(() => renderStatus(sampleStatus(), { html: "/no/such/folder/page.html" })).toThrow(
    "--html /no/such/folder/page.html: cannot be written",
  );
});

test("hostile names stay text in the page", () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;`;
  const status = sampleStatus({
    app: hostile,
    environment: hostile,
    stages: [{ name: "git", state: "ok", summary: hostile }],
    services: [
      sampleService({
        service: hostile,
        sync: hostile,
        health: hostile,
        commit: hostile,
        releaseCommit: hostile,
        digest: hostile,
        releasedAt: hostile,
        message: hostile,
        state: "failed",
      }),
    ],
    problems: [{ part: "ci", reason: hostile }],
  });
  const page = statusPage(status);
  expect(page).not.toMatch(/<script|<img/);
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(page).toContain("&amp;amp;");
});

test("the page asks nobody for anything", () => {
  const page = statusPage(sampleStatus());
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`);
  expect(page).not.toMatch(/https?:|url\(|@import/);
});

test.each<[State]>([["ok"], ["progress"], ["failed"], ["unknown"]])(
  "a stage and a service that are %s say so",
  (state) => {
    const stages: Stage[] = [{ name: "cluster", state, summary: "as it is" }];
    const page = statusPage(sampleStatus({ stages, services: [sampleService({ state })] }));
    expect(page).toContain(`data-stage="cluster" data-state="${state}"`);
    expect(page).toContain(`data-service="link" data-state="${state}"`);
  },
);

test("without services the page says so", () => {
  expect(statusPage(sampleStatus({ services: [] }))).toContain("No service is known");
  expect(verdict([])).toBe("no service is known");
  expect(verdict([sampleService()])).toBe("1 service ok");
  expect(verdict(sampleStatus().services)).toBe("1 of 5 services failed");
});

test("the picture has a box per stage and an arrow between two, side by side or below each other", () => {
  const { stages } = sampleStatus();
  const row = pipelinePicture(stages, "row");
  expect(row.match(/class="stage /g)).toHaveLength(6);
  expect(row.match(/class="arrow /g)).toHaveLength(5);
  expect(row).toContain('viewBox="-1 -1 1222 118"');
  expect(pipelinePicture(stages.slice(0, 4), "column")).toContain('viewBox="-1 -1 352 338"');
});

test("long summaries are broken between words, and cut where they do not fit", () => {
  expect(wrap("context delinkcious-sandbox", 11.4, 2)).toEqual(["context", "delinkcious-sandbox"]);
  expect(wrap("one two three four five six", 5, 2)).toEqual(["one two", "three…"]);
  const [only = "", ...others] = wrap("x".repeat(50), 10, 2);
  expect([only.at(-1), others]).toEqual(["…", []]);
  expect(textWidth(only)).toBeLessThanOrEqual(10);
});

test.each([
  ["2026-11-03T09:59:48.000Z", "12s"],
  ["2026-11-03T09:01:00.000Z", "59m"],
  ["2026-11-03T08:00:00.000Z", "2h"],
  ["2026-10-01T10:00:00.000Z", "33d"],
  ["2026-11-03T10:00:09.000Z", "0s"],
])("from %s it is %s", (from, age) => {
  expect(ageBetween(from, "2026-11-03T10:00:00.000Z")).toBe(age);
});
