import { afterEach, describe, expect, test, vi } from "vitest";
import { describeBranch } from "../../../git/deploy-branch.ts";
import { GitError, GitStartError } from "../../../git/git-command.ts";
import { explainFailure, isMovedBranch, isTransientFailure } from "../../../git/git-failure.ts";

const target = { repository: "https://git.example/acme/deploy.git", branch: "main" };
const explain = (output: string): string => String(explainFailure(new GitError("push", output), target));
afterEach(() => vi.unstubAllEnvs());

test.each([
  "remote: GitLab: You cannot push commits for 'delivery@localhost'. You can only push commits if the committer email is one of your own verified emails.\n ! [remote rejected] x -> main (pre-receive hook declined)",
  "remote: GitLab: Committer's email 'delivery@localhost' does not follow the pattern '@acme.example$'\n ! [remote rejected] x -> main (pre-receive hook declined)",
  "remote: GitLab: Author 'delivery@localhost' is not a member of team\n ! [remote rejected] x -> main (pre-receive hook declined)",
  "remote: error: GH007: Your push would publish a private email address.\n ! [remote rejected] x -> main (push declined due to email privacy restrictions)",
  "remote: error: GH013: Repository rule violations found for refs/heads/main.\nremote: - Committer email must match the pattern @acme.example\n ! [remote rejected] x -> main (push declined due to repository rule violations)",
  "remote: error: VS403702: The push was rejected because one or more commits contain author email which does not match the policy-specified patterns.",
  "remote: ERROR: commit 1a2b3c4: email address delivery@localhost is not registered in your account, and you lack 'forge committer' permission.\n ! [remote rejected] x -> main (commit 1a2b3c4: not registered in your account)",
  " ! [remote rejected] x -> main (invalid committer)",
  "remote: You can only push your own commits in this repository. Commit 1a2b3c4 was committed by delivery <delivery@localhost>",
])("a host that refuses who commits is told by that, not as a protected branch: %j", (output) => {
  expect(explain(output)).toMatch(
    /deploy\.git refuses commits made by delivery <delivery@localhost>; set gitops\.committer of the stack file, or GIT_COMMITTER_NAME/,
  );
  const committer = { name: "CI", email: "ci@acme.example" };
  expect(String(explainFailure(new GitError("push", output), { ...target, committer }))).toContain(
    "refuses commits made by CI <ci@acme.example>",
  );
});

// What Git 2.39 to 2.51 and the servers of GitHub, GitLab and Bitbucket write.
test.each<[output: string, meaning: RegExp]>([
  [
    "fatal: unable to access 'https://git.example/': Could not resolve host: git.example",
    /cannot be reached; check the URL and the network/,
  ],
  [
    "fatal: unable to access 'http://127.0.0.1:9/': Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server",
    /cannot be reached/,
  ],
  [
    "ssh: connect to host git.example port 22: Connection timed out\nfatal: Could not read from remote repository.",
    /cannot be reached/,
  ],
  ["timed out: no end after 120 s", /cannot be reached/],
  [
    "fatal: Authentication failed for 'https://git.example/acme/deploy.git/'",
    /does not accept the credentials \(401\); set DELIVERY_GIT_TOKEN/,
  ],
  [
    "fatal: could not read Username for 'https://git.example': terminal prompts disabled",
    /does not accept the credentials/,
  ],
  [
    "git@git.example: Permission denied (publickey).\nfatal: Could not read from remote repository.",
    /does not accept the credentials/,
  ],
  [
    "remote: Write access to repository not granted.\nfatal: unable to access 'https://git.example/': The requested URL returned error: 403",
    /may not be written with these credentials \(403\)/,
  ],
  ["remote: Permission to acme/deploy.git denied to bot.\nfatal: … error: 403", /may not be written/],
  [
    "remote: error: GH006: Protected branch update failed for refs/heads/main.\n ! [remote rejected] main -> main (protected branch hook declined)",
    /refuses pushes to main: the branch is protected/,
  ],
  [
    "remote: GitLab: You are not allowed to push code to protected branches on this project.\n ! [remote rejected] x -> main (pre-receive hook declined)",
    /refuses pushes to main/,
  ],
  [
    "remote: Repository not found.\nfatal: repository 'https://git.example/acme/deploy.git/' not found",
    /is no Git repository that these credentials can see/,
  ],
  ["fatal: unable to access: The requested URL returned error: 404", /is no Git repository/],
  ["Host key verification failed.\nfatal: Could not read from remote repository.", /known_hosts/],
  [
    "fatal: unable to access: server certificate verification failed. CAfile: none",
    /certificate that this machine does not trust/,
  ],
  [
    "fatal: something new",
    /^DeployRepositoryError: branch main of https:\/\/git\.example\/acme\/deploy\.git could not be read or written; nothing was changed\nGit says: fatal: something new/,
  ],
])("%s", (output, meaning) => {
  expect(explain(output)).toMatch(meaning);
  expect(explain(output)).toContain(target.repository);
  expect(explain(output)).toContain("nothing was changed");
});

describe("another commit in between", () => {
  test.each([
    "!\tabc:refs/heads/main\t[rejected] (fetch first)",
    "!\tabc:refs/heads/main\t[rejected] (non-fast-forward)",
    "!\tabc:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)",
    "!\tabc:refs/heads/main\t[remote rejected] (incorrect old value provided)",
    "!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)",
    "!\tabc:refs/heads/main\t[remote rejected] (reference already exists)",
  ])("%s", (output) => expect(isMovedBranch(new GitError("push", output))).toBe(true));

  test.each([
    "!\tabc:refs/heads/main\t[remote rejected] (pre-receive hook declined)",
    "!\tx\t[remote rejected] (protected branch hook declined)",
    "fatal: Authentication failed",
  ])("not: %s", (output) => expect(isMovedBranch(new GitError("push", output))).toBe(false));
});

test("a server that stumbles is tried again, one that refuses is not", () => {
  expect(isTransientFailure(new GitError("fetch", "error: RPC failed; HTTP 502"))).toBe(true);
  expect(isTransientFailure(new GitError("fetch", "fatal: … The requested URL returned error: 503"))).toBe(true);
  expect(isTransientFailure(new GitError("fetch", "The requested URL returned error: 403"))).toBe(false);
});

test("a token that a server repeats is not shown", () => {
  vi.stubEnv("DELIVERY_GIT_TOKEN", "hunter2");
  const error = explainFailure(
    new GitError("push", "remote: token hunter2 is expired\nfatal: Authentication failed"),
    target,
  );
  expect(String(error)).not.toContain("hunter2");
  expect(String(error instanceof Error ? error.cause : "")).not.toContain("hunter2");
});

test.each([
  "fatal: unable to access 'https://ci:hunter2@git.example/acme/deploy.git/': Could not resolve host: git.example",
  "fatal: something new about https://hunter2@git.example/acme/deploy.git",
])("a login in the URL is not shown: %s", (output) => {
  const withLogin = { ...target, repository: "https://ci:hunter2@git.example/acme/deploy.git" };
  const error = explainFailure(new GitError("push", output), withLogin);
  expect(String(error)).toContain("https://git.example/acme/deploy.git");
  const cause = error instanceof Error ? error.cause : "";
  expect(`${String(error)} ${String(cause)} ${describeBranch(withLogin)}`).not.toMatch(/hunter2|ci:/);
});

test.each<[code: string, hint: string]>([
  ["ENOENT", "install Git 2.32 or newer"],
  ["EMFILE", "too many files are open: raise the limit (`ulimit -n`)"],
  ["EAGAIN", "too many processes are running: raise the limit (`ulimit -u`)"],
])("where Git itself cannot be started (%s), that is the reason", (code, hint) => {
  const cause = Object.assign(new Error(`spawn git ${code}`), { code });
  expect(String(explainFailure(new GitStartError("fetch", cause), target))).toBe(
    `DeployRepositoryError: ${target.repository} could not be read or written: git cannot be started (spawn git ${code}); ${hint}; nothing was changed`,
  );
});

test("other errors stay as they are", () => {
  const error = new Error("own");
  expect(explainFailure(error, target)).toBe(error);
});
