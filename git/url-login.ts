/**
 * A text without the logins of the URLs in it: a token may be the password, or the user. Over SSH the user is no secret, and
 * belongs to the address.
 */
export function withoutLogins(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)([^/\s]*)@/gi, (_url, scheme: string, login: string) => {
    const [user = ""] = login.split(":");
    return /ssh/i.test(scheme) ? `${scheme}${user}@` : scheme;
  });
}
