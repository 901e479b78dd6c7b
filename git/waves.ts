import { serviceOfRecord } from "./release-record.ts";
import type { Snapshot } from "./snapshot.ts";

/** Clusters of one environment that get a release at the same time, after the wave before has proved itself. */
export interface Wave {
  /** From 1 on. */
  readonly number: number;
  /** Where its manifests and release records are in the deploy repository. */
  readonly directory: string;
}

/**
 * The directory of a wave: the first one's is the environment's own, as where there is no other. The dot is in no environment's
 * name.
 */
export function waveDirectory(directory: string, number: number): string {
  return number === 1 ? directory : `${directory}.wave-${number}`;
}

/**
 * The waves after the first that have release records, in their order. Git says it, so that what takes an image away finds it
 * everywhere, also without a stack file, and where a cluster is no longer declared.
 * @param directory the environment's
 */
export function laterWaves({ entries }: Pick<Snapshot, "entries">, directory: string): readonly Wave[] {
  const start = `${directory}.wave-`;
  const numbers = [...entries.keys()].flatMap((path) => {
    const [number = ""] = path.startsWith(start) ? path.slice(start.length).split("/") : [];
    if (!/^[1-9]\d*$/.test(number)) return [];
    return serviceOfRecord(`${start}${number}`, path) === undefined ? [] : [Number(number)];
  });
  return [...new Set(numbers)]
    .toSorted((one, other) => one - other)
    .map((number) => ({ number, directory: waveDirectory(directory, number) }));
}
