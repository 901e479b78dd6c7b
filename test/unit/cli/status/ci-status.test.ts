import { afterEach, expect, test, vi } from "vitest";
import { pipelineState, readCi } from "../../../../cli/status/ci-status.ts";
import { readingOf } from "../../../../cli/status/reading.ts";

test.each([
  [["success", "success"], "ok", "#7 success"],
  [["success", "running"], "progress", "#7 running"],
  [["running", "failed"], "failed", "#7 failed"],
  [["on_hold"], "progress", "#7 on hold"],
  [[], "unknown", "#7 has not started"],
])("a pipeline of workflows %j is %s", (statuses, state, summary) => {
  expect(pipelineState(7, statuses)).toEqual({ state, summary });
});

test("CI without a token is not asked, and a token never shows", async () => {
  const location = { host: "http://127.0.0.1:1/api/v2", organizationId: "o", context: "shop-dev" };
  const reading = (token: string | undefined) => readingOf((signal) => readCi({ ...location, token }, signal), 2000);
  expect(await reading(undefined)).toMatchObject({ state: "unknown", reason: expect.stringContaining("CIRCLE_TOKEN") });
  expect(await reading("hidden-token")).toEqual({ state: "unknown", reason: "127.0.0.1:1 cannot be reached" });
});

const ciEndpoint = { host: "https://circleci.test/api/v2", token: "t", organizationId: "o", context: "shop-dev" };

/** Answers as CircleCI's API does, by path. */
function stubCircleCi(answers: Record<string, unknown>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    const path = url.slice(ciEndpoint.host.length);
    asked.push(path);
    return path in answers ? Response.json(answers[path]) : new Response("", { status: 404 });
  });
  return asked;
}
afterEach(() => vi.unstubAllGlobals());

const contexts = {
  "/context?owner-id=o": { items: [{ id: "c0", name: "other" }], next_page_token: "more" },
  "/context?owner-id=o&page-token=more": { items: [{ id: "c1", name: "shop-dev" }], next_page_token: null },
  "/context/c1/restrictions": {
    items: [{ id: "r1", name: "shop", restriction_type: "project", restriction_value: "p1" }],
  },
};
const pipeline = (number: number, rest: object = {}) => ({ id: `p${number}`, number, state: "created", ...rest });
const workflow = (name: string, status: string, minute: number) => ({
  id: `w${minute}`,
  name,
  status,
  created_at: `2026-01-01T10:0${minute}:00Z`,
});

test("CI is as the newest pipeline of the branch, in the project to which the context is restricted", async () => {
  const asked = stubCircleCi({
    ...contexts,
    "/project/circleci/o/p1/pipeline?branch=main": {
      items: [pipeline(9, { trigger: { type: "schedule" } }), pipeline(8), pipeline(7)],
    },
    "/pipeline/p8/workflow": {
      items: [workflow("deliver", "success", 3), workflow("deliver", "failed", 1), workflow("setup", "success", 0)],
    },
  });
  const { signal } = new AbortController();
  expect(await readCi({ ...ciEndpoint, branch: "main" }, signal)).toEqual({ state: "ok", summary: "#8 success" });
  expect(asked).not.toContain("/pipeline/p9/workflow");
});

test("a pipeline whose config CircleCI does not accept has failed", async () => {
  const errors = [{ type: "config", message: "Cannot find job deploy" }];
  stubCircleCi({
    ...contexts,
    "/project/gh/acme/shop/pipeline": { items: [pipeline(8, { state: "errored", errors })] },
  });
  const location = { ...ciEndpoint, projectSlug: "gh/acme/shop" };
  expect(await readCi(location, new AbortController().signal)).toEqual({
    state: "failed",
    summary: "#8 Cannot find job deploy",
  });
});

test("a context that is not there has failed", async () => {
  stubCircleCi(contexts);
  expect(await readCi({ ...ciEndpoint, context: "shop-qa" }, new AbortController().signal)).toEqual({
    state: "failed",
    summary: "no context shop-qa",
  });
});
