import { expect, test } from "vitest";
import { promotionBranch, proposalBody, repositoryName } from "../../../../cli/promotion/pull-request.ts";

const one = `sha256:${"1".repeat(64)}`;
const two = `sha256:${"2".repeat(64)}`;

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

test("a pull request has a line per service, and what is new, and what the gates have found", () => {
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
    changelog: "What is new.",
  });
  expect(body).toBe(
    "Makes staging run what dev runs. Merging it is the promotion.\n\n" +
      "- **link** `sha256:111111111111` → `sha256:222222222222`, built from abcdef0\n" +
      "- **user** nothing → `sha256:222222222222`\n\n" +
      "What is new.\n\n" +
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
  const body = proposalBody({ ...proposal, released, outcomes: [], changelog: "" });
  expect(body.length).toBeLessThan(65_536);
  expect(body).toContain(
    `${"a".repeat(60)}99** \`sha256:111111111111\` → \`sha256:222222222222\`, built from 0123456789ab\n`,
  );
  expect(body).toMatch(/\n- … and 400 more, which are in the commit\n$/);
});
