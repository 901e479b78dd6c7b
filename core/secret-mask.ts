/** In place of a secret. */
export const secretWord = "[secret]";

/** Characters from which a secret counts as one that nobody guesses, whatever it is made of. */
const longEnough = 16;
/** The same for one that has three of: small letters, capitals, digits, anything else. */
const longEnoughIfMixed = 10;

/**
 * Whether a secret may be masked wherever it stands. The mask of one that is short or a common word would give it away by what
 * is around it (`[secret]:17-alpine`), and would make nonsense of every other text with that word in it.
 */
export function isUnguessable(secret: string): boolean {
  if (secret.length >= longEnough) return true;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z\d]/].filter((kind) => kind.test(secret)).length;
  return secret.length >= longEnoughIfMixed && kinds >= 3;
}

/** Words before which a text says that a credential follows. */
const credentialWords = "password|passwd|pwd|passphrase|token|secret|api[_-]?key|access[_-]?key";

/**
 * Masks a weak secret only where the text itself says that a credential stands there, as in `password=…` or in the login of a
 * URL: a mask in such a location says nothing about what is behind it.
 */
export function maskCredential(text: string, secret: string): string {
  if (secret === "" || !text.includes(secret)) return text;
  const literal = secret.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  return text
    .replaceAll(
      new RegExp(
        String.raw`((?:${credentialWords})["'\x60]?(?:\s{1,3}is)?(?:\s{0,3}[:=]\s{0,3}|\s{1,3})["'\x60]?)${literal}(?![\w-])`,
        "gi",
      ),
      (_, before: string) => `${before}${secretWord}`,
    )
    .replaceAll(
      new RegExp(String.raw`(://[^\s:@/]{0,100}:)${literal}(?=@)`, "g"),
      (_, before: string) => `${before}${secretWord}`,
    );
}
