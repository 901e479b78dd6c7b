/** What stands in a log for a secret's value. */
const mask = "********";

/** Masks secrets in a text that comes in pieces: what may be the beginning of a secret waits for the next piece. */
export class Masking {
  readonly #secrets: readonly string[];
  readonly #write: (text: string) => void;
  #held = "";

  constructor(secrets: readonly string[], write: (text: string) => void) {
    this.#secrets = maskedValues(secrets);
    this.#write = write;
  }

  push(text: string): void {
    this.#emit(this.#held + text, false);
  }

  /** Writes what still waits: nothing follows it. */
  end(): void {
    this.#emit(this.#held, true);
  }

  #emit(text: string, isLast: boolean): void {
    const done: string[] = [];
    for (let at = 0; at < text.length;) {
      const rest = text.length - at;
      if (!isLast && this.#secrets.some((secret) => secret.length > rest && secret.startsWith(text.slice(at)))) {
        this.#held = text.slice(at);
        return this.#out(done);
      }
      const found = this.#secrets.find((secret) => text.startsWith(secret, at));
      done.push(found === undefined ? (text[at] ?? "") : mask);
      at += found?.length ?? 1;
    }
    this.#held = "";
    this.#out(done);
  }

  #out(parts: readonly string[]): void {
    if (parts.length > 0) this.#write(parts.join(""));
  }
}

const unmasked = new Set(["true", "True", "false", "False"]);

/**
 * The values that are masked.
 * Source: https://circleci.com/docs/contexts/#secrets-masking (not those of fewer than four characters, nor truth values)
 */
function maskedValues(values: readonly string[]): string[] {
  return [...new Set(values)]
    .filter((value) => value.length >= 4 && !unmasked.has(value))
    .toSorted((one, other) => other.length - one.length);
}
