import { expect, test } from "vitest";
import { approvalGate, approvalTrailer, gateLines } from "../../../../cli/promotion/gates.ts";

const one = `sha256:${"1".repeat(64)}`;

test("approval is given by the caller, or by whoever merges the pull request", () => {
  expect(approvalGate("prod", { approved: true, pullRequest: false }).passed).toBe(true);
  expect(approvalGate("prod", { approved: false, pullRequest: true }).passed).toBe(true);
  expect(approvalGate("prod", { approved: false, pullRequest: false })).toMatchObject({
    passed: false,
    detail: expect.stringMatching(/^prod needs the approval of a person: give --approved/),
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
