import { isUnguessable, maskCredential } from "../core/secret-mask.ts";
import { identityVariables } from "./committer.ts";
import { describeBranch, type DeployBranch } from "./deploy-branch.ts";
import { GitError, GitStartError } from "./git-command.ts";
import { tokenVariable, withoutLogins } from "./git-credentials.ts";

/** What went wrong with the deploy repository: the repository, the reason and what to do. */
export class DeployRepositoryError extends Error {
  override readonly name = "DeployRepositoryError";
}

interface Failure {
  readonly signs: RegExp;
  readonly reason: (target: DeployBranch) => string;
}

const failures: readonly Failure[] = [
  {
    signs:
      /could not resolve host|couldn't connect to server|failed to connect|connection refused|connection timed out|no route to host|network is unreachable|timed out: no end/i,
    reason: () => "cannot be reached; check the URL and the network, and run the same command again",
  },
  {
    signs: /host key verification failed/i,
    reason: () =>
      "has an SSH host key that this machine does not know; add it to ~/.ssh/known_hosts after comparing it with the one that the provider publishes",
  },
  {
    signs:
      /authentication failed|could not read (username|password)|terminal prompts disabled|returned error: 401|permission denied \(publickey|invalid credentials/i,
    reason: () =>
      `does not accept the credentials (401); set ${tokenVariable} to a token that may write, or set up a credential helper of Git or an SSH key`,
  },
  {
    // Before protected branches: hooks decline these, too.
    signs:
      /GH007|private e-?mail|VS403702|(committer|author)('s)?[ _-]*(e-?mail|name|identity)|(committer|author) '[^']*' (is not|does not)|invalid (committer|author)|not registered in your account|cannot push commits for|push your own commits|not a member of team|verified e-?mail/i,
    reason: ({ committer }) => {
      const { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email } = identityVariables(process.env, committer);
      return `refuses commits made by ${name} <${email}>; set gitops.committer of the stack file, or GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL, to what the host knows of the account that pushes`;
    },
  },
  {
    signs:
      /protected branch|GH006|GH013|pre-receive hook declined|hook declined|not allowed to push|refusing to update checked out branch|TF402455/i,
    reason: ({ branch }) =>
      `refuses pushes to ${branch}: the branch is protected; let the delivery account push to it, or choose another branch`,
  },
  {
    signs:
      /returned error: 403|permission to .{0,300} denied|write access .{0,300} not granted|access denied|insufficient permission|permission denied/i,
    reason: () => "may not be written with these credentials (403); give their owner write access, or use others",
  },
  {
    signs:
      /repository .{0,300}not found|returned error: 404|does not appear to be a git repository|not a git repository|project you were looking for could not be found/i,
    reason: () =>
      "is no Git repository that these credentials can see; create it, correct the URL, or use other credentials",
  },
  {
    signs: /certificate|ssl|tls/i,
    reason: () => "has a certificate that this machine does not trust; install its authority (http.sslCAInfo of Git)",
  },
];

/** Says in one line what Git's failure means. */
export function explainFailure(error: unknown, target: DeployBranch): unknown {
  if (!(error instanceof GitError)) return error;
  const repository = withoutLogins(target.repository);
  const output = withoutToken(error.output);
  if (error instanceof GitStartError)
    return explained(error, `${repository} could not be read or written: ${output}; nothing was changed`);
  const known = failures.find(({ signs }) => signs.test(output));
  const subject = known === undefined ? describeBranch(target) : repository;
  const reason = known?.reason(target) ?? "could not be read or written";
  return explained(error, `${subject} ${reason}; nothing was changed\nGit says: ${lastLines(output)}`);
}

/** The answer to a push was lost: whoever ran the command again would do it twice, or undo what has arrived. */
export function unknownOutcome(error: unknown, target: DeployBranch, commit: string): unknown {
  if (!(error instanceof GitError)) return error;
  const message = `${describeBranch(target)} may have got commit ${commit}, or not: the answer was lost. Look whether it is there before running the same command again`;
  return explained(error, `${message}\nGit says: ${lastLines(withoutToken(error.output))}`);
}

function explained(error: GitError, message: string): DeployRepositoryError {
  return new DeployRepositoryError(message, { cause: new Error(withoutToken(error.message)) });
}

/** Someone else has pushed to the branch in the meantime: the same change may succeed on top of it. */
export function isMovedBranch(error: unknown): boolean {
  if (!(error instanceof GitError)) return false;
  return /\[(remote )?rejected\].{0,500}\((fetch first|non-fast-forward|stale info|cannot lock ref|failed to update ref|incorrect old value|reference already exists|failed to lock|needs force)|cannot lock ref|incorrect old value|failed to update ref/i.test(
    error.output,
  );
}

/** The server failed for a moment: the same request may succeed. */
export function isTransientFailure(error: unknown): boolean {
  return (
    error instanceof GitError &&
    /returned error: (429|5\d\d)|rpc failed|unexpected disconnect|early eof|connection reset|remote end hung up|empty reply/i.test(
      error.output,
    )
  );
}

/** The server may still be at work on the request. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof GitError && /timed out: no end|returned error: 504/i.test(error.output);
}

function lastLines(output: string): string {
  const lines = output.split("\n").map((line) => line.trim());
  const telling = lines.filter((line) => /^(fatal|error|remote|!|ssh|git@|timed out)/i.test(line));
  return (telling.length > 0 ? telling : lines.filter((line) => line !== "")).slice(-4).join("\n          ");
}

/** Git does not print it; a server's answer might. */
function withoutToken(text: string): string {
  const token = process.env[tokenVariable];
  if (token === undefined || token === "") return text;
  return isUnguessable(token) ? text.replaceAll(token, "***") : maskCredential(text, token);
}
