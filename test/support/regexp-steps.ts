/**
 * How often an engine that goes back, as that of Node.js does, looks at a character until it has found a match: where that grows
 * faster than the text, an expression can take time without end.
 *
 * @param from where the search begins
 * @param limit after so many steps it stops: what is more is too much
 * @throws Error for syntax that the project's expressions do not use
 */
export function searchSteps(expression: RegExp, text: string, from: number, limit: number): number {
  const matcher = matcherOf(expression);
  const input = expression.ignoreCase ? text.toLowerCase() : text;
  const state: State = { input, steps: 0, limit, captures: [] };
  const last = expression.sticky ? from : input.length;
  for (let at = from; at <= last && state.steps <= limit; at++) {
    if (matcher(state, at, () => true) || (at === 0 && isAnchored(expression))) return state.steps;
    state.steps++;
  }
  return state.steps;
}

const matchers = new Map<string, Matcher>();

function matcherOf({ source, flags, ignoreCase, multiline, dotAll }: RegExp): Matcher {
  const key = `${flags} ${source}`;
  const matcher = matchers.get(key) ?? parse(source, { ignoreCase, multiline, dotAll });
  matchers.set(key, matcher);
  return matcher;
}

/** An engine tries an expression that begins with `^` at the beginning alone. */
function isAnchored({ source, multiline }: RegExp): boolean {
  return !multiline && source.startsWith("^") && !hasTopLevelChoice(source);
}

function hasTopLevelChoice(source: string): boolean {
  const state = { depth: 0, inClass: false };
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (state.inClass) state.inClass = character !== "]";
    else if (character === "[") state.inClass = true;
    else if (character === "(") state.depth++;
    else if (character === ")") state.depth--;
    else if (character === "|" && state.depth === 0) return true;
  }
  return false;
}

interface State {
  readonly input: string;
  readonly limit: number;
  steps: number;
  captures: (string | undefined)[];
}

type Continue = (at: number) => boolean;
type Matcher = (state: State, at: number, next: Continue) => boolean;

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

interface Atom {
  readonly match: Matcher;
  /** Takes one character, if it is one that does: repetitions of these need no recursion. */
  readonly one?: (character: string) => boolean;
}

function parse(given: string, flags: Flags): Matcher {
  const source = flags.ignoreCase ? lowerLiterals(given) : given;
  const reader = { at: 0, groups: 0 };
  const peek = (): string => source[reader.at] ?? "";
  const take = (text: string): boolean => {
    if (!source.startsWith(text, reader.at)) return false;
    reader.at += text.length;
    return true;
  };
  const alternatives = (): Matcher => {
    const all = [sequence()];
    while (take("|")) all.push(sequence());
    return (state, at, next) => all.some((one) => one(state, at, next));
  };
  const sequence = (): Matcher => {
    const all: Matcher[] = [];
    while (reader.at < source.length && peek() !== "|" && peek() !== ")") all.push(quantified());
    return (state, at, next) => {
      const step = (index: number, from: number): boolean => {
        const one = all[index];
        return one === undefined ? next(from) : one(state, from, (end) => step(index + 1, end));
      };
      return step(0, at);
    };
  };
  const quantified = (): Matcher => {
    const one = atom();
    const bounds = quantifier();
    if (bounds === undefined) return one.match;
    const [least, most] = bounds;
    return repeated(one, least, most, take("?"));
  };
  const quantifier = (): [number, number] | undefined => {
    if (take("*")) return [0, Infinity];
    if (take("+")) return [1, Infinity];
    if (take("?")) return [0, 1];
    const [all = "", least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(source.slice(reader.at)) ?? [];
    if (least === undefined) return undefined;
    reader.at += all.length;
    return [Number(least), comma === "" ? Number(least) : most === "" ? Infinity : Number(most)];
  };
  const atom = (): Atom => {
    if (take("^")) return { match: (state, at, next) => begins(state.input, at, flags.multiline) && next(at) };
    if (take("$")) return { match: (state, at, next) => ends(state.input, at, flags.multiline) && next(at) };
    if (take("(?=")) return { match: look(group(), true) };
    if (take("(?!")) return { match: look(group(), false) };
    // What is behind is looked at from each place that it may begin at.
    if (take("(?<=")) return { match: lookBehind(group(), true) };
    if (take("(?<!")) return { match: lookBehind(group(), false) };
    if (take("(?:")) return { match: group() };
    if (source.startsWith("(?", reader.at) && !/^\(\?<\w+>/.test(source.slice(reader.at)))
      throw new Error(`this is not counted: ${given} at ${reader.at}`);
    if (take("(")) {
      const index = reader.groups++;
      reader.at += /^\?<\w+>/.exec(source.slice(reader.at))?.[0].length ?? 0;
      const inside = group();
      return {
        match: (state, at, next) =>
          inside(state, at, (end) => {
            state.captures[index] = state.input.slice(at, end);
            return next(end);
          }),
      };
    }
    if (take(".")) return characterAtom((character) => flags.dotAll || !/[\n\r\u2028\u2029]/.test(character));
    if (peek() === "[") return characterAtom(characterClass());
    if (take("\\")) {
      const escape = source[reader.at++] ?? "";
      if (escape === "b") return { match: (state, at, next) => isBoundary(state.input, at) && next(at) };
      if (escape === "B") return { match: (state, at, next) => !isBoundary(state.input, at) && next(at) };
      if (/[1-9]/.test(escape))
        return {
          match: (state, at, next) => {
            const captured = state.captures[Number(escape) - 1] ?? "";
            state.steps += captured.length;
            return state.input.startsWith(captured, at) && next(at + captured.length);
          },
        };
      if (escape === "u") reader.at += /^(\{[\da-f]+\}|[\da-f]{4})/i.exec(source.slice(reader.at))?.[0].length ?? 0;
      const text =
        source.slice(reader.at - 1, reader.at) === escape
          ? `\\${escape}`
          : `\\u${source.slice(reader.at - 4, reader.at)}`;
      const test = new RegExp(`^${text}$`, flags.ignoreCase ? "i" : "");
      return characterAtom((character) => test.test(character));
    }
    const literal = source[reader.at++] ?? "";
    return characterAtom((character) => character === literal);
  };
  const group = (): Matcher => {
    const inside = alternatives();
    if (!take(")")) throw new Error(`a group of ${given} is open`);
    return inside;
  };
  const characterClass = (): ((character: string) => boolean) => {
    const from = reader.at;
    reader.at++;
    while (reader.at < source.length && peek() !== "]") reader.at += peek() === "\\" ? 2 : 1;
    reader.at++;
    const test = new RegExp(`^${source.slice(from, reader.at)}$`, flags.ignoreCase ? "i" : "");
    return (character) => test.test(character);
  };
  const whole = alternatives();
  if (reader.at < source.length) throw new Error(`this is not counted: ${given} at ${reader.at}`);
  return whole;
}

function lowerLiterals(source: string): string {
  return source.replaceAll(/\\.|[A-Z]/g, (found) => (found.startsWith("\\") ? found : found.toLowerCase()));
}

function characterAtom(is: (character: string) => boolean): Atom {
  const one = is;
  return {
    one,
    match: (state, at, next) => {
      state.steps++;
      return at < state.input.length && is(state.input[at] ?? "") && next(at + 1);
    },
  };
}

function repeated({ match, one }: Atom, least: number, most: number, lazy: boolean): Matcher {
  if (one !== undefined)
    return (state, at, next) => {
      const reach = { end: at };
      const grow = (): boolean => {
        state.steps++;
        if (reach.end - at >= most || reach.end >= state.input.length || !one(state.input[reach.end] ?? ""))
          return false;
        reach.end++;
        return true;
      };
      if (lazy) {
        while (reach.end - at < least) if (!grow()) return false;
        for (;;) {
          if (state.steps > state.limit) return false;
          if (next(reach.end)) return true;
          if (!grow()) return false;
        }
      }
      while (grow());
      for (; reach.end - at >= least; reach.end--) {
        state.steps++;
        if (state.steps > state.limit) return false;
        if (next(reach.end)) return true;
      }
      return false;
    };
  return (state, start, next) => {
    const again = (count: number, at: number): boolean => {
      if (state.steps > state.limit) return false;
      state.steps++;
      const more = (): boolean =>
        count < most && match(state, at, (end) => (end > at || count < least) && again(count + 1, end));
      if (count < least) return more();
      return lazy ? next(at) || more() : more() || next(at);
    };
    return again(0, start);
  };
}

function look(inside: Matcher, positive: boolean): Matcher {
  return (state, at, next) => inside(state, at, () => true) === positive && next(at);
}

function lookBehind(inside: Matcher, positive: boolean): Matcher {
  return (state, at, next) => {
    const found = Array.from({ length: Math.min(at + 1, 3) }, (_, back) => at - back).some((from) =>
      inside(state, from, (end) => end === at),
    );
    return found === positive && next(at);
  };
}

function begins(input: string, at: number, multiline: boolean): boolean {
  return at === 0 || (multiline && input[at - 1] === "\n");
}

function ends(input: string, at: number, multiline: boolean): boolean {
  return at === input.length || (multiline && input[at] === "\n");
}

function isBoundary(input: string, at: number): boolean {
  const isWord = (index: number): boolean => /\w/.test(input[index] ?? "");
  return isWord(at - 1) !== isWord(at);
}
