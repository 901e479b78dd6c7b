/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** At least 0, less than 1. */
  readonly next: () => number;
  /** A whole number below a limit. */
  readonly below: (limit: number) => number;
  readonly chance: (probability: number) => boolean;
  /** @throws Error if there is nothing to choose from */
  readonly pick: <T>(from: readonly T[]) => T;
  /** Several of them, each once. */
  readonly some: <T>(from: readonly T[], count: number) => T[];
  /** One of them, each as often as its weight says. */
  readonly weighted: <T extends { readonly weight: number }>(from: readonly T[]) => T;
}

/** A linear congruential generator of 48 bits, with the constants of POSIX's drand48. */
export function seededRandom(seed: number): Random {
  const modulus = 1n << 48n;
  const state = { value: (BigInt(seed) << 16n) + 0x330en };
  const next = (): number => {
    state.value = (state.value * 0x5deece66dn + 11n) % modulus;
    return Number(state.value >> 16n) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  const pick = <T>(from: readonly T[]): T => {
    const found = from[below(from.length)];
    if (found === undefined) throw new Error("there is nothing to choose from");
    return found;
  };
  return {
    next,
    below,
    pick,
    chance: (probability) => next() < probability,
    some: (from, count) => {
      const left = [...from];
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(below(left.length), 1)).flat();
    },
    weighted: (from) => {
      const total = from.reduce((sum, { weight }) => sum + weight, 0);
      const at = { left: next() * total };
      return from.find(({ weight }) => (at.left -= weight) < 0) ?? pick(from);
    },
  };
}
