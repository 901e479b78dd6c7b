import { expect, test } from "vitest";
import { approvalGate, approvalTrailer, gateLines } from "../../../../cli/promotion/gates.ts";

const one = `sha256:${"1".repeat(64)}`;

const pending = [{ service: "link", digest: one }];

test("approval is given by the caller for the digests that were shown, or by whoever merges the pull request", () => {
  const none = { approved: undefined, pullRequest: false };
  expect(approvalGate("prod", { ...none, approved: { link: one } }, pending).passed).toBe(true);
  expect(approvalGate("prod", { ...none, approved: { link: `sha256:${"2".repeat(64)}` } }, pending).passed).toBe(false);
  expect(approvalGate("prod", { ...none, approved: {} }, pending).passed).toBe(false);
  expect(approvalGate("prod", { ...none, pullRequest: true }, pending).passed).toBe(true);
  expect(approvalGate("prod", none, pending)).toMatchObject({
    passed: false,
    detail: expect.stringMatching(/^prod needs the approval of a person: have them look at what --propose FILE writes/),
  });
});

test("the commit says where the approval can be looked up", () => {
  expect(approvalTrailer({ CIRCLE_WORKFLOW_ID: "5034460f" })).toBe("Approved: in CircleCI's workflow 5034460f");
  expect(approvalTrailer({ USER: "ada" })).toBe("Approved: by hand, ada");
});

test("gates are one line each, and one below for every service in the way", () => {
  const service = { digest: one, healthySince: null };
  const services = [
    { ...service, service: "link", passed: true, detail: "is fine" },
    { ...service, service: "user", passed: false, detail: "is Degraded" },
  ];
  expect(
    gateLines([
      { gate: "health", passed: false, detail: "1 of 2", services },
      { gate: "test", passed: false, detail: "failed:\n  boom" },
    ]),
  ).toEqual(["✗ health  1 of 2", "          user: is Degraded", "✗ test    failed:\n            boom"]);
});
