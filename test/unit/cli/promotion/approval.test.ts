import { expect, test } from "vitest";
import { approvalGate, approvalTrailer } from "../../../../cli/promotion/approval.ts";

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
