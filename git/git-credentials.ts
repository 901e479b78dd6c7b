import { withoutLogins } from "./url-login.ts";

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
): [string, string][] {
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
