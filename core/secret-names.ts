const endings = [
  "(?<!BY|COM)PASS",
  "PASSWORD",
  "PASSWD",
  "PASSPHRASE",
  "SECRET",
  "TOKEN",
  "CREDENTIALS?",
  "(?:PRIVATE|API|ACCESS|SECRET)_?KEY",
  "SECRET_?KEY_BASE",
];
const secretName = new RegExp(`(?:${endings.join("|")})$`, "i");

/** Whether the name of a variable says that its value is a secret, e.g. `DB_PASSWORD` or `apiKey`. */
export function hasSecretName(variable: string): boolean {
  return secretName.test(variable);
}
