import { expect, test } from "vitest";
import { duration } from "../../../../cli/command.ts";
import { promotionTo } from "../../../../cli/promotion/candidates.ts";
import { approvalGate, approvalTrailer, gateLines } from "../../../../cli/promotion/gates.ts";
import { promotionBranch, proposalBody, repositoryName } from "../../../../cli/promotion/pull-request.ts";
import { Project } from "../../../../cli/project/stack-file.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;

test("digests come from the environment that the stack file declares, and from no other", () => {
  expect(promotionTo(new Project().stackFile("prod"), undefined)).toEqual({
    from: "staging",
    rules: { healthyMinutes: 60, approval: true },
  });
  expect(promotionTo(new Project().stackFile("prod"), "staging").from).toBe("staging");
  expect(() => promotionTo(new Project().stackFile("prod"), "dev")).toThrow(
    /--from dev: prod gets its digests from staging only \(promotion\.from of stacks\/Pulumi\.prod\.yaml\)/,
  );
});

test("an environment that declares nothing needs --from, and has no gates", () => {
  expect(promotionTo(new Project().stackFile("qa"), "dev")).toEqual({ from: "dev", rules: { approval: false } });
  expect(() => promotionTo(new Project().stackFile("qa"), undefined)).toThrow(
    /--from is missing: stacks\/Pulumi\.qa\.yaml does not say/,
  );
});

test.each([
  ["https://github.com/acme/deploy.git", "acme/deploy"],
  ["https://github.example/acme/deploy", "acme/deploy"],
  ["git@github.com:acme/deploy.git", "acme/deploy"],
  ["ssh://git@github.com/acme/shop.deploy.git/", "acme/shop.deploy"],
])("the repository of %s on GitHub is %s", (url, name) => {
  expect(repositoryName(url, undefined)).toBe(name);
});

test("a URL that does not say which repository it is needs a name", () => {
  expect(repositoryName("http://127.0.0.1:3000/deploy.git", "acme/deploy")).toBe("acme/deploy");
  expect(() => repositoryName("http://127.0.0.1:3000/deploy.git", undefined)).toThrow(
    /deploy\.git does not say which repository on GitHub it is; give --github-repository OWNER\/NAME/,
  );
});

test("the same digests have the same branch, in whatever order", () => {
  const link = { service: "link", repository: "shop-link", digest: one };
  const user = { service: "user", repository: "shop-user", digest: one };
  const branch = promotionBranch("staging", [link, user]);
  expect(branch).toMatch(/^promote\/staging-[0-9a-f]{10}$/);
  expect(promotionBranch("staging", [user, link])).toBe(branch);
  expect(promotionBranch("staging", [{ ...link, digest: two }, user])).not.toBe(branch);
});

test("a pull request has a line per service, and what the gates have found", () => {
  const body = proposalBody({
    from: "dev",
    to: "staging",
    title: "promote",
    head: "promote/staging-1",
    base: "main",
    released: [
      { service: "link", repository: "shop-link", digest: two, previous: one, sourceCommit: "abcdef0" },
      { service: "user", repository: "shop-user", digest: two, previous: undefined },
    ],
    outcomes: [{ gate: "test", passed: true, detail: "`true` has succeeded" }],
  });
  expect(body).toBe(
    "Makes staging run what dev runs. Merging it is the promotion.\n\n" +
      "- **link** `sha256:111111111111` → `sha256:222222222222`, built from abcdef0\n" +
      "- **user** nothing → `sha256:222222222222`\n\n" +
      "When it was opened:\n\n```\n✓ test  `true` has succeeded\n```\n",
  );
});

test("a pull request of any number of services is short enough for GitHub, and names the first", () => {
  const released = Array.from({ length: 500 }, (_, index) => ({
    service: `${"a".repeat(60)}${index}`,
    repository: "shop",
    digest: two,
    previous: one,
    sourceCommit: "0123456789abcdef".repeat(4),
  }));
  const proposal = { from: "dev", to: "staging", title: "promote", head: "promote/staging-1", base: "main" };
  const body = proposalBody({ ...proposal, released, outcomes: [] });
  expect(body.length).toBeLessThan(65_536);
  expect(body).toContain(
    `${"a".repeat(60)}99** \`sha256:111111111111\` → \`sha256:222222222222\`, built from 0123456789ab\n`,
  );
  expect(body).toMatch(/\n- … and 400 more, which are in the commit\n$/);
});

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

test.each([
  ["90m", 5_400_000],
  ["30s", 30_000],
  ["1h", 3_600_000],
  ["250ms", 250],
  ["5", 5000],
])("%s is %d ms", (text, milliseconds) => expect(duration("wait", text)).toBe(milliseconds));

test.each(["", "m", "-5s", "1d", "1.5h"])("refuses the duration %j", (text) => {
  expect(() => duration("wait", text)).toThrow(/^--wait ".*": must be a duration such as 5s, 10m or 1h$/);
});
