import type { GitSetting } from "./user-settings.ts";

/**
 * A text without the logins of the URLs in it: a token may be the password, or the user. Over SSH the user is no secret, and
 * belongs to the address.
 */
export function withoutLogins(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]{0,30}:\/\/)([^/\s]*)@/gi, (_url, scheme: string, login: string) => {
    const [user = ""] = login.split(":");
    return /ssh/i.test(scheme) ? `${scheme}${user}@` : scheme;
  });
}

/**
 * How Git is to start SSH: nobody is there to answer its questions. What the user has set up goes first.
 * @param own what comes in from the user's configuration
 */
export function sshSettings(
  repository: string,
  environment: Readonly<Record<string, string | undefined>>,
  own: readonly GitSetting[],
): GitSetting[] {
  if (/^(https?|file):/i.test(repository)) return [];
  if (environment["GIT_SSH_COMMAND"] !== undefined || environment["GIT_SSH"] !== undefined) return [];
  if (own.some(([key]) => key === "core.sshcommand")) return [];
  return [["core.sshCommand", "ssh -o BatchMode=yes -o ConnectTimeout=20"]];
}

/** The variables that hold a token for repositories at `https://`. */
export const tokenVariable = "DELIVERY_GIT_TOKEN";
export const usernameVariable = "DELIVERY_GIT_USERNAME";

/** Git asks this shell function; the token itself is only in the environment that it inherits. */
const helper = `!f() { if test "$1" = get; then printf 'username=%s\\npassword=%s\\n' "\${${usernameVariable}:-x-access-token}" "$${tokenVariable}"; fi; }; f`;

/**
 * The settings with which Git logs in to a repository by the token of the environment. Without a token there are none:
 * the user's own credential helpers and SSH keys work as ever.
 */
export function gitCredentialSettings(
  repository: string,
  environment: Readonly<Record<string, string | undefined>>,
): GitSetting[] {
  if (!/^https?:/i.test(repository)) return [];
  const token = environment[tokenVariable];
  if (token === undefined || token === "") return [];
  const { origin, protocol, hostname } = new URL(repository);
  if (protocol === "http:" && !isPrivate(hostname)) {
    throw new Error(
      `${withoutLogins(repository)}: ${tokenVariable} would cross the network in plain text; use https://, or unset the variable`,
    );
  }
  const key = `credential.${origin}.helper`;
  // The empty one discards helpers that come before.
  return [
    [key, ""],
    [key, helper],
  ];
}

/** Loopback and private addresses, where plain HTTP stays on the machine or in the cluster. */
function isPrivate(hostname: string): boolean {
  return (
    /^(localhost|127\.[\d.]+|10\.[\d.]+|192\.168\.[\d.]+|172\.(1[6-9]|2\d|3[01])\.[\d.]+|\[::1\])$/.test(hostname) ||
    /\.(svc|svc\.cluster\.local|localhost)$/.test(hostname)
  );
}
