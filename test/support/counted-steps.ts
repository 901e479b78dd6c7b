import { searchSteps } from "./regexp-steps.ts";

/** More than any input of a test needs. */
const limit = 20_000_000;

/**
 * How many steps a piece of work takes: characters that regular expressions and searches look at, and elements that arrays are
 * gone through for. Other loops count by what they call in each round.
 */
export function countedSteps(work: () => void): number {
  const state = { steps: 0, counting: true };
  const add = (count: () => number): void => {
    if (!state.counting || state.steps > limit) return;
    // The counting itself uses expressions and arrays, too.
    state.counting = false;
    try {
      state.steps += count();
    } finally {
      state.counting = true;
    }
  };
  const undo = [
    patched(RegExp.prototype, "exec", (expression, [text]) =>
      add(() =>
        searchSteps(
          expression,
          String(text),
          expression.global || expression.sticky ? expression.lastIndex : 0,
          limit - state.steps,
        ),
      ),
    ),
    ...(["includes", "indexOf"] as const).map((name) =>
      patched(String.prototype, name, (text, [sought, from]) =>
        add(() => {
          const start = Number(from ?? 0);
          const found = String(text).indexOf(String(sought), start);
          return (found === -1 ? text.length : found) - start + 1;
        }),
      ),
    ),
    ...(["split", "replaceAll"] as const).map((name) =>
      patched(String.prototype, name, (text) => add(() => text.length)),
    ),
    ...(["map", "filter", "flatMap", "join"] as const).map((name) =>
      patched(Array.prototype, name, (array) => add(() => array.length)),
    ),
  ];
  try {
    work();
    return state.steps;
  } finally {
    for (const restore of undo) restore();
  }
}

/** Calls a function before a method, until what is returned is called. */
function patched<T extends object>(
  prototype: T,
  name: keyof T & string,
  before: (self: T, args: readonly unknown[]) => void,
): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  const method: unknown = descriptor?.value;
  if (descriptor === undefined || typeof method !== "function") throw new Error(`there is no method ${name}`);
  Object.defineProperty(prototype, name, {
    ...descriptor,
    value(this: T, ...args: readonly unknown[]): unknown {
      before(this, args);
      return Reflect.apply(method, this, args);
    },
  });
  return () => void Object.defineProperty(prototype, name, descriptor);
}
