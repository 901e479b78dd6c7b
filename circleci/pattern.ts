/** What is wrong with a pattern. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** A step of a compiled pattern; the numbers say how far the steps are that come next. */
type Step =
  | { readonly takes: (character: string) => boolean }
  | { readonly either: readonly [number, number] }
  | { readonly to: number }
  | { readonly at: (text: string, index: number) => boolean };

const longestPattern = 1_000;
const mostSteps = 5_000;

/**
 * Compiles a pattern as `matches` and filters of branches have it: a regular expression that means the whole text. The number
 * of steps for a text is at most the product of the lengths of both, which the engine of the language does not promise.
 * @param onStep called for every step, so that tests can count them
 * @throws PatternError for what is none, and for what cannot be matched so: references to groups, and looking around
 */
export function wholePattern(pattern: string, onStep: () => void = () => {}): (text: string) => boolean {
  const steps = new PatternReader(pattern).read();
  const reached = (from: Iterable<number>, text: string, index: number): Set<number> => {
    const found = new Set(from);
    // Iterating over a Set also visits what is added meanwhile.
    for (const at of found) {
      onStep();
      const step = steps[at];
      if (step === undefined || "takes" in step) continue;
      if ("to" in step) found.add(at + step.to);
      else if ("either" in step) for (const distance of step.either) found.add(at + distance);
      else if (step.at(text, index)) found.add(at + 1);
    }
    return found;
  };
  return (text) => {
    let states = reached([0], text, 0);
    for (let index = 0; index < text.length && states.size > 0; index++) {
      const next = [...states].flatMap((at) => {
        const step = steps[at];
        return step !== undefined && "takes" in step && step.takes(text[index] ?? "") ? [at + 1] : [];
      });
      states = reached(next, text, index + 1);
    }
    return states.has(steps.length);
  };
}

const classes: Readonly<Record<string, RegExp>> = {
  d: /\d/,
  D: /\D/,
  w: /\w/,
  W: /\W/,
  s: /\s/,
  S: /\S/,
};
const characters: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f" };
const isWord = (character: string | undefined): boolean => /\w/.test(character ?? "");

class PatternReader {
  readonly #pattern: string;
  #index = 0;
  #ignoresCase = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
    if (pattern.length > longestPattern) throw this.#error(`has more than ${longestPattern} characters`);
  }

  read(): readonly Step[] {
    this.#ignoresCase = this.#skip("(?i)");
    const steps = this.#choice();
    if (this.#index < this.#pattern.length) throw this.#error("closes a group that it has not opened");
    return steps;
  }

  #choice(): readonly Step[] {
    const left = this.#sequence();
    if (!this.#skip("|")) return left;
    const right = this.#choice();
    return this.#bounded([{ either: [1, left.length + 2] }, ...left, { to: right.length + 1 }, ...right]);
  }

  #sequence(): readonly Step[] {
    const parts: Step[] = [];
    while (this.#index < this.#pattern.length && !/[|)]/.test(this.#pattern[this.#index] ?? ""))
      parts.push(...this.#repeated(this.#atom()));
    return this.#bounded(parts);
  }

  #repeated(atom: readonly Step[]): readonly Step[] {
    const [sign, least = "", comma = "", most = ""] =
      /^(?:[*+?]|\{(\d{1,4})(,?)(\d{0,4})\})/.exec(this.#pattern.slice(this.#index, this.#index + 12)) ?? [];
    if (sign === undefined) return atom;
    this.#index += sign.length;
    // How much is taken first makes no difference for the whole text; `++` gives nothing back, which does.
    if (this.#skip("+")) throw this.#error(`has ${sign}+, which is not supported`);
    this.#skip("?");
    if (/^[*+?{]/.test(this.#pattern[this.#index] ?? "")) throw this.#error(`repeats ${sign} again`);
    const any: readonly Step[] = [{ either: [1, atom.length + 2] }, ...atom, { to: -atom.length - 1 }];
    if (sign === "*") return any;
    if (sign === "+") return [...atom, ...any];
    if (sign === "?") return this.#optional(atom);
    const [from, to] = [Number(least), comma === "" ? Number(least) : most === "" ? Infinity : Number(most)];
    if (from > to) throw this.#error(`has ${sign}, which ends before it begins`);
    const repeat = (count: number, part: readonly Step[]): readonly Step[] => {
      this.#assertSize(count * part.length);
      return Array.from({ length: count }, () => part).flat();
    };
    return [...repeat(from, atom), ...(to === Infinity ? any : repeat(to - from, this.#optional(atom)))];
  }

  #optional(part: readonly Step[]): readonly Step[] {
    return [{ either: [1, part.length + 1] }, ...part];
  }

  #atom(): readonly Step[] {
    const character = this.#pattern[this.#index++] ?? "";
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return this.#set();
      case ".":
        return [{ takes: (one) => !/[\n\r\u2028\u2029]/.test(one) }];
      case "^":
        return [{ at: (_, index) => index === 0 }];
      case "$":
        return [{ at: (text, index) => index === text.length }];
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        throw this.#error(`has nothing before ${character} to repeat`);
      default:
        return this.#literal(character);
    }
  }

  #group(): readonly Step[] {
    if (this.#pattern[this.#index] === "?" && !this.#skip("?:")) {
      const [name] = /^\?P?<[A-Za-z]\w*>/.exec(this.#pattern.slice(this.#index)) ?? [];
      if (name === undefined)
        throw this.#error("has (?…), of which only (?:…), (?<name>…) and a leading (?i) are supported");
      this.#index += name.length;
    }
    const inside = this.#choice();
    if (!this.#skip(")")) throw this.#error("has a group without an end");
    return inside;
  }

  #set(): readonly Step[] {
    const [, inside] = /^(\^?\]?(?:\\.|[^\]\\])*)\]/s.exec(this.#pattern.slice(this.#index)) ?? [];
    if (inside === undefined) throw this.#error("has a [ without an end");
    this.#index += inside.length + 1;
    const escaped = inside.replace(/^(\^?)\]/, "$1\\]").replaceAll("[", "\\[");
    try {
      const set = new RegExp(`^[${escaped}]$`, this.#ignoresCase ? "i" : "");
      return [{ takes: (one) => set.test(one) }];
    } catch {
      throw this.#error(`has [${inside}], which is no set of characters`);
    }
  }

  #escape(): readonly Step[] {
    const character = this.#pattern[this.#index++];
    if (character === undefined) throw this.#error("ends with a backslash");
    const known = classes[character];
    if (known !== undefined) return [{ takes: (one) => known.test(one) }];
    if (character === "b" || character === "B") {
      const within = character === "B";
      return [{ at: (text, index) => (isWord(text[index - 1]) === isWord(text[index])) === within }];
    }
    if (/[A-Za-z0-9]/.test(character) && !(character in characters))
      throw this.#error(`has \\${character}, which is not supported`);
    return this.#literal(characters[character] ?? character);
  }

  #literal(character: string): readonly Step[] {
    const same = (one: string): boolean => one.toLowerCase() === character.toLowerCase();
    return [{ takes: this.#ignoresCase ? same : (one) => one === character }];
  }

  #bounded(steps: readonly Step[]): readonly Step[] {
    this.#assertSize(steps.length);
    return steps;
  }

  #assertSize(size: number): void {
    if (size > mostSteps) throw this.#error("repeats too much: write fewer or smaller numbers in braces");
  }

  #skip(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#index)) return false;
    this.#index += text.length;
    return true;
  }

  #error(reason: string): PatternError {
    return new PatternError(`the pattern ${JSON.stringify(this.#pattern.slice(0, 100))} ${reason}`);
  }
}
