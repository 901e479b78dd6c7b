import { CommandError } from "../command.ts";
import { buildService, type BuildOptions, type BuiltImage } from "./build-service.ts";
import type { ImageBuild } from "./image-build.ts";

/**
 * Builds several images at once. One that fails does not stop the others: what they make is in the cache of the next run.
 * @param concurrency how many at the same time
 * @throws CommandError with all that failed
 */
export async function buildImages(
  builds: readonly ImageBuild[],
  concurrency: number,
  options: BuildOptions,
): Promise<BuiltImage[]> {
  const waiting = builds.entries();
  const outcomes = new Map<number, BuiltImage | Error>();
  const takeTurns = async (): Promise<void> => {
    // All of them take from the same list.
    for (const [index, build] of waiting) {
      const outcome = await buildService(build, options).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
      );
      outcomes.set(index, outcome);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, takeTurns));
  if (options.signal.aborted) throw new CommandError("stopped; images may be pushed already, but no digest is written");
  const inOrder = builds.flatMap((_, index) => outcomes.get(index) ?? []);
  const failures = inOrder.filter((outcome): outcome is Error => outcome instanceof Error);
  if (failures.length > 0) throw new CommandError(failures.map(({ message }) => message).join("\n       "));
  return inOrder.flatMap((outcome) => (outcome instanceof Error ? [] : [outcome]));
}
