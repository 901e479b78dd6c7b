/** Runs a task when it is its turn. */
export type BuildQueue = <T>(task: () => Promise<T>) => Promise<T>;

/** Lets at most `count` tasks run at a time, in the order in which they come. */
export function buildQueue(count: number): BuildQueue {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      // The next one takes over the place.
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
