import { expect, test } from "vitest";
import { ciRun } from "../../../cli/ci-run.ts";

const travis = {
  TRAVIS: "true",
  TRAVIS_BRANCH: "main",
  TRAVIS_BUILD_NUMBER: "7",
  TRAVIS_BUILD_WEB_URL: "https://app.travis-ci.com/acme/shop/builds/1",
  TRAVIS_COMMIT: "merge",
  TRAVIS_PULL_REQUEST: "false",
  TRAVIS_PULL_REQUEST_BRANCH: "",
  TRAVIS_PULL_REQUEST_SHA: "",
  TRAVIS_REPO_SLUG: "acme/shop",
};
const pullRequest = {
  ...travis,
  TRAVIS_PULL_REQUEST: "12",
  TRAVIS_PULL_REQUEST_BRANCH: "feature",
  TRAVIS_PULL_REQUEST_SHA: "head",
  TRAVIS_PULL_REQUEST_SLUG: "acme/shop",
};

test.each([
  ["by hand", {}, { commit: undefined, branch: undefined }],
  ["variables that are empty", { CIRCLE_SHA1: "", CIRCLE_BRANCH: "" }, { commit: undefined, branch: undefined }],
  [
    "CircleCI",
    { CIRCLE_SHA1: "c", CIRCLE_BRANCH: "main", CIRCLE_BUILD_NUM: "3", CIRCLE_BUILD_URL: "u" },
    { commit: "c", branch: "main", number: "3", link: "u" },
  ],
  [
    "Tekton",
    { DELIVERY_COMMIT: "c", DELIVERY_BRANCH: "feature", DELIVERY_RUN: "u" },
    { commit: "c", branch: "feature", link: "u" },
  ],
  ["Travis CI, a push", travis, { commit: "merge", branch: "main", number: "7" }],
  [
    "Travis CI, a pull request: its own branch and commit, not those of the merge",
    pullRequest,
    { commit: "head", branch: "feature" },
  ],
  [
    "Travis CI, a pull request of a fork whose branch has the name of the delivered one",
    { ...pullRequest, TRAVIS_PULL_REQUEST_SLUG: "someone/shop", TRAVIS_PULL_REQUEST_BRANCH: "main" },
    { commit: "head", branch: "pull/12" },
  ],
])("%s", (_what, environment, expected) => {
  expect(ciRun(environment)).toMatchObject(expected);
});
