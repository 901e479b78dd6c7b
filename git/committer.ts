/** Who makes a commit, as Git writes it. */
export interface Identity {
  readonly name: string;
  readonly email: string;
}

const delivery: Identity = { name: "delivery", email: "delivery@localhost" };

/**
 * Git's variables for who commits: those that are set count, then `gitops.committer` of the stack file, then `delivery`. The
 * author is the same unless the variables for it say otherwise: hosts that verify one verify both.
 */
export function identityVariables(
  environment: Readonly<Record<string, string | undefined>>,
  committer: Identity = delivery,
): Record<string, string> {
  const given = (name: string, otherwise: string): string => environment[name]?.trim() || otherwise;
  const name = given("GIT_COMMITTER_NAME", committer.name);
  const email = given("GIT_COMMITTER_EMAIL", committer.email);
  return {
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_AUTHOR_NAME: given("GIT_AUTHOR_NAME", name),
    GIT_AUTHOR_EMAIL: given("GIT_AUTHOR_EMAIL", email),
  };
}
