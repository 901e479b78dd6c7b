import { expect, test } from "vitest";
import { promotionTo } from "../../../../cli/promotion/candidates.ts";
import { Project } from "../../../../cli/project/stack-file.ts";

test("digests come from the environment that the stack file declares, and from no other", () => {
  expect(promotionTo(new Project().stackFile("prod"), undefined)).toEqual({
    from: "staging",
    rules: { healthyMinutes: 60, approval: true, copyImages: false, holds: false, choices: [] },
  });
  expect(promotionTo(new Project().stackFile("prod"), "staging").from).toBe("staging");
  expect(() => promotionTo(new Project().stackFile("prod"), "dev")).toThrow(
    /--from dev: prod gets its digests from staging only \(promotion\.from of stacks\/Pulumi\.prod\.yaml\)/,
  );
});

test("an environment that declares nothing needs --from, and has no gates", () => {
  expect(promotionTo(new Project().stackFile("qa"), "dev")).toEqual({
    from: "dev",
    rules: { approval: false, copyImages: false, holds: false, choices: [] },
  });
  expect(() => promotionTo(new Project().stackFile("qa"), undefined)).toThrow(
    /--from is missing: stacks\/Pulumi\.qa\.yaml does not say/,
  );
});
