import { afterEach, expect, test, vi } from "vitest";
import { readTravisCi } from "../../../../cli/status/travis-status.ts";

const location = { repository: "acme/shop", branch: "main", token: "hidden-token" };

/** Answers as Travis CI's API does. @returns what it is asked */
function stubTravis(answer: () => Response): { url: string; headers: Readonly<Record<string, string>> }[] {
  const asked: { url: string; headers: Readonly<Record<string, string>> }[] = [];
  vi.stubGlobal("fetch", async (url: string, { headers }: { headers: Readonly<Record<string, string>> }) => {
    asked.push({ url, headers });
    return answer();
  });
  return asked;
}
afterEach(() => vi.unstubAllGlobals());
const { signal } = new AbortController();

test("CI is as the newest build of a push to the delivered branch", async () => {
  const asked = stubTravis(() =>
    Response.json({ builds: [{ number: "7", state: "passed", branch: { name: "main" } }] }),
  );
  expect(await readTravisCi(location, signal)).toEqual({ state: "ok", summary: "#7 passed" });
  expect(asked.map(({ url }) => url)).toEqual([
    "https://api.travis-ci.com/repo/acme%2Fshop/builds?event_type=push&branch.name=main&sort_by=id%3Adesc&limit=1",
  ]);
  expect(asked[0]?.headers).toMatchObject({ "travis-api-version": "3", authorization: "token hidden-token" });
  await readTravisCi({ ...location, token: undefined }, signal);
  expect(asked[1]?.headers).not.toHaveProperty("authorization");
});

test.each([
  ["started", "progress"],
  ["errored", "failed"],
  ["canceled", "failed"],
  ["a state of later", "unknown"],
])("a build that is %s is %s", async (state, expected) => {
  stubTravis(() => Response.json({ builds: [{ number: "7", state }] }));
  expect(await readTravisCi(location, signal)).toEqual({ state: expected, summary: `#7 ${state}` });
});

test("there may be no build yet, or no repository named", async () => {
  stubTravis(() => Response.json({ builds: [] }));
  expect(await readTravisCi(location, signal)).toEqual({ state: "unknown", summary: "no build yet" });
  expect(await readTravisCi({ ...location, repository: undefined }, signal)).toMatchObject({ state: "unknown" });
});

test.each([
  [
    "refuses",
    () => new Response("", { status: 404 }),
    /api\.travis-ci\.com answers 404 for acme\/shop; .* TRAVIS_TOKEN/,
  ],
  ["is another", () => new Response("<html>"), /does not answer as Travis CI does/],
])("where it %s, that is said, without the token", async (_what, answer, message) => {
  stubTravis(answer);
  const error = await readTravisCi(location, signal).catch((reason: unknown) => String(reason));
  expect(error).toMatch(message);
  expect(error).not.toContain("hidden-token");
});
