import { readFileSync } from "node:fs";

/** Seconds of CPU that this process has taken, and all of its children that have ended. */
export function cpuSeconds(): number {
  const stat = readFileSync("/proc/self/stat", "utf8");
  // The name of the program may have spaces; the 14th to 17th fields are the times, own and of children.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return ticks / ticksPerSecond;
}

/** Linux gives these times in hundredths of a second, whatever the kernel's own clock is. */
const ticksPerSecond = 100;

/** Seconds of CPU of a piece of work, its processes among them. */
export async function measureCpu<T>(work: () => T | Promise<T>): Promise<{ seconds: number; result: T }> {
  const start = cpuSeconds();
  const result = await work();
  return { seconds: cpuSeconds() - start, result };
}
