/** What an engine of CI says of the run that a process belongs to; by hand, nothing of it is known. */
export interface CiRun {
  /** The commit that it is for, in full. */
  readonly commit: string | undefined;
  /** The branch that it was pushed to, or that of the pull request; `pull/<number>` for one that comes from a fork. */
  readonly branch: string | undefined;
  /** Its number, which counts up. */
  readonly number: string | undefined;
  /** Where it can be looked at. */
  readonly link: string | undefined;
}

/** What a run says of itself where its engine has no variables of its own: jobs of Tekton have these. */
export const runVariables = { commit: "DELIVERY_COMMIT", branch: "DELIVERY_BRANCH", link: "DELIVERY_RUN" } as const;

/**
 * By the variables of the engine that there are.
 * Sources: https://circleci.com/docs/reference/variables/, https://docs.travis-ci.com/user/environment-variables/
 */
export function ciRun(environment: Readonly<Record<string, string | undefined>>): CiRun {
  const of = (name: string): string | undefined => environment[name] || undefined;
  if (of("TRAVIS") !== undefined)
    return {
      // Of a pull request, Travis checks out what a merge would make.
      commit: of("TRAVIS_PULL_REQUEST_SHA") ?? of("TRAVIS_COMMIT"),
      branch: travisBranch(of),
      number: of("TRAVIS_BUILD_NUMBER"),
      link: of("TRAVIS_BUILD_WEB_URL"),
    };
  return {
    commit: of(runVariables.commit) ?? of("CIRCLE_SHA1"),
    branch: of(runVariables.branch) ?? of("CIRCLE_BRANCH"),
    number: of("CIRCLE_BUILD_NUM"),
    link: of(runVariables.link) ?? of("CIRCLE_BUILD_URL"),
  };
}

/** A branch of a fork may have the name of the one that is delivered. */
function travisBranch(of: (name: string) => string | undefined): string | undefined {
  const pullRequest = of("TRAVIS_PULL_REQUEST") ?? "false";
  if (pullRequest === "false") return of("TRAVIS_BRANCH");
  return of("TRAVIS_PULL_REQUEST_SLUG") === of("TRAVIS_REPO_SLUG")
    ? of("TRAVIS_PULL_REQUEST_BRANCH")
    : `pull/${pullRequest}`;
}
