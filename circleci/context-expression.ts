/** For which pipelines a context is. */
export interface ContextUse {
  /**
   * Whether only what is merged may use it: pipelines of this branch, or of the repository's default branch.
   * @default pipelines of any branch may
   */
  readonly delivered?: { readonly branch: string | undefined } | undefined;
  /** Whether CircleCI's GitHub App runs the project: then who starts a pipeline by the API also chooses whose config it runs. */
  readonly isOfApp: boolean;
}

/**
 * The expression that CircleCI evaluates before a job gets a context. A value that is not set makes it false.
 * Source: https://circleci.com/docs/contexts/#expression-restrictions, https://circleci.com/docs/reference/expressions-reference/
 */
export function contextExpression({ delivered, isOfApp }: ContextUse): string {
  return [
    ...(delivered === undefined ? [] : [branchExpression(delivered.branch)]),
    // Whoever logs in to a job reads its environment.
    "not job.ssh.enabled",
    // A config that nobody has committed.
    'not (pipeline.config_source starts-with "api")',
    ...(delivered !== undefined && isOfApp ? ['not (pipeline.trigger.type starts-with "api")'] : []),
  ].join(" and ");
}

function branchExpression(branch: string | undefined): string {
  // Compared, since every value but `false` counts as true.
  if (branch === undefined) return "pipeline.git.branch.is_default == true";
  return `pipeline.git.branch == "${branch.replaceAll(/["\\]/g, "\\$&")}"`;
}
