import { describe, expect, test } from "vitest";
import { chatLines } from "../../../../cli/chatops/chat-command.ts";

describe("a line", () => {
  test.each([
    ["/delivery retest", { kind: "retest", service: undefined }],
    ["/delivery  retest\tlink ", { kind: "retest", service: "link" }],
    ["/delivery preview", { kind: "preview" }],
    ["/delivery promote staging", { kind: "promote", environment: "staging" }],
    ["/delivery rollback prod link", { kind: "rollback", environment: "prod", service: "link" }],
    ["/delivery hold", { kind: "hold" }],
    ["/delivery unhold\r\nthanks", { kind: "unhold" }],
    ["/delivery approve", { kind: "approve", commit: undefined }],
    ["/delivery approve 0123abc", { kind: "approve", commit: "0123abc" }],
    [`/delivery ok-to-test ${"0a".repeat(20)}`, { kind: "ok-to-test", commit: "0a".repeat(20) }],
  ])("%j is a command", (body, command) => expect(chatLines(body)[0]).toMatchObject({ command }));

  test.each([
    ["/delivery", /there is no such command; there are retest, preview, promote, /],
    ["/delivery deploy prod", /there is no such command/],
    ["/delivery constructor", /there is no such command/],
    ["/delivery promote", /it is written `\/delivery promote ENVIRONMENT`/],
    ["/delivery promote staging now", /promote ENVIRONMENT/],
    ["/delivery promote $(id)", /promote ENVIRONMENT/],
    ["/delivery rollback prod", /rollback ENVIRONMENT SERVICE/],
    ["/delivery hold it", /`\/delivery hold`/],
    ["/delivery ok-to-test", /ok-to-test COMMIT/],
    ["/delivery ok-to-test main", /ok-to-test COMMIT/],
    // Two commits that begin alike are made within seconds.
    ["/delivery ok-to-test 0123abcdef", /ok-to-test COMMIT`, with all digits of the commit/],
    [`/delivery ok-to-test ${"0".repeat(39)}`, /with all digits/],
    ["/delivery approve yes", /approve \[COMMIT\]/],
  ])("%j is told how it is written", (body, problem) =>
    expect(chatLines(body)).toEqual([{ text: body, problem: expect.stringMatching(problem) }]),
  );
});

test.each([
  "Use /delivery hold",
  "  /delivery hold",
  "/deliveryhold",
  "> /delivery hold",
  "```\n/delivery hold\n```",
  "```sh\n/delivery hold",
  "~~~~\n```\n/delivery hold\n~~~~",
  "```\n```~\n/delivery hold\n```",
  "<!-- for later\n/delivery hold\n-->",
  "<!--\n/delivery hold",
  "    /delivery hold",
])("what is no command to a reader is none: %j", (body) => expect(chatLines(body)).toEqual([]));

test("a comment has several commands, and not any number of them", () => {
  const body = "Well then:\n/delivery unhold\n```\ncode\n```\n/delivery promote staging\n";
  expect(chatLines(body).map(({ text }) => text)).toEqual(["/delivery unhold", "/delivery promote staging"]);
  expect(chatLines("/delivery hold\n".repeat(50))).toHaveLength(5);
});
