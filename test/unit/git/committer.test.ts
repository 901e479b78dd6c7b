import { expect, test } from "vitest";
import { identityVariables, type Identity } from "../../../git/committer.ts";

const acme: Identity = { name: "Acme CI", email: "ci@acme.example" };

test.each<[environment: Record<string, string>, committer: Identity | undefined, author: string, committedBy: string]>([
  [{}, undefined, "delivery <delivery@localhost>", "delivery <delivery@localhost>"],
  [{}, acme, "Acme CI <ci@acme.example>", "Acme CI <ci@acme.example>"],
  [{ GIT_COMMITTER_EMAIL: "a@b" }, undefined, "delivery <a@b>", "delivery <a@b>"],
  [{ GIT_COMMITTER_EMAIL: "a@b" }, acme, "Acme CI <a@b>", "Acme CI <a@b>"],
  [{ GIT_COMMITTER_NAME: "A", GIT_COMMITTER_EMAIL: "a@b" }, acme, "A <a@b>", "A <a@b>"],
  [{ GIT_AUTHOR_NAME: "A", GIT_AUTHOR_EMAIL: "a@b" }, acme, "A <a@b>", "Acme CI <ci@acme.example>"],
  [{ GIT_AUTHOR_NAME: "", GIT_COMMITTER_EMAIL: " " }, acme, "Acme CI <ci@acme.example>", "Acme CI <ci@acme.example>"],
])("with %j and %j of the stack file the author is %s and the committer %s", (environment, committer, author, by) => {
  const made = identityVariables(environment, committer);
  expect(`${made["GIT_AUTHOR_NAME"]} <${made["GIT_AUTHOR_EMAIL"]}>`).toBe(author);
  expect(`${made["GIT_COMMITTER_NAME"]} <${made["GIT_COMMITTER_EMAIL"]}>`).toBe(by);
});
