/** A part of a pattern of paths. */
export type WildcardToken =
  /** One character. */
  | { readonly one: (character: string) => boolean }
  /** Any characters but `/`, also none. */
  | "name"
  /** Any characters, also none. */
  | "anything"
  /** Any number of directories, also none, each with the `/` behind it. */
  | "directories";

/**
 * Matches whole texts against a pattern in a number of steps that is at most the product of the lengths of both: a regular
 * expression with several wildcards can take time without end.
 * @param onStep called for every step, so that tests can count them
 */
export function wildcardMatcher(
  tokens: readonly WildcardToken[],
  onStep: () => void = () => {},
): (text: string) => boolean {
  const end = tokens.length;
  // State n is before token n; state -n - 1 is within the directories of token n.
  const withSkips = (states: Iterable<number>): Set<number> => {
    const found = new Set(states);
    // Iterating over a Set also visits what is added meanwhile.
    for (const state of found) {
      const token = state < 0 ? undefined : tokens[state];
      if (typeof token !== "string") continue;
      found.add(state + 1);
      if (token === "directories") found.add(-state - 1);
    }
    return found;
  };
  const next = (state: number, character: string): readonly number[] => {
    if (state < 0) return character === "/" ? [state, -state] : [state];
    const token = tokens[state];
    if (token === undefined || token === "directories") return [];
    if (token === "anything") return [state];
    if (token === "name") return character === "/" ? [] : [state];
    return token.one(character) ? [state + 1] : [];
  };
  return (text) => {
    let states = withSkips([0]);
    for (const character of text) {
      const reached: number[] = [];
      for (const state of states) {
        onStep();
        reached.push(...next(state, character));
      }
      states = withSkips(reached);
      if (states.size === 0) return false;
    }
    return states.has(end);
  };
}

/** The token of a character that stands for itself. */
export function literal(character: string): WildcardToken {
  return { one: (other) => other === character };
}

/** The token of a choice such as `[a-z]`, which a regular expression tells of one character. */
export function choice(expression: RegExp): WildcardToken {
  return { one: (character) => expression.test(character) };
}

export const notSlash: WildcardToken = { one: (character) => character !== "/" };
