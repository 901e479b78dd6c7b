import { execFileSync } from "node:child_process";

/** How Git is to start SSH: nobody is there to answer its questions. What the user has set up goes first. */
export function sshSettings(
  repository: string,
  environment: Readonly<Record<string, string | undefined>>,
): [string, string][] {
  if (/^(https?|file):/i.test(repository)) return [];
  if (
    environment["GIT_SSH_COMMAND"] !== undefined ||
    environment["GIT_SSH"] !== undefined ||
    hasOwnCommand(environment)
  )
    return [];
  return [["core.sshCommand", "ssh -o BatchMode=yes -o ConnectTimeout=20"]];
}

function hasOwnCommand(env: Readonly<Record<string, string | undefined>>): boolean {
  try {
    return (
      execFileSync("git", ["config", "--get", "core.sshCommand"], {
        env,
        cwd: "/",
        stdio: ["ignore", "pipe", "ignore"],
      }).length > 0
    );
  } catch {
    return false;
  }
}
