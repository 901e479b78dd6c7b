import { readRecords, type Records } from "./records.ts";
import type { Snapshot } from "./snapshot.ts";
import { laterWaves } from "./waves.ts";

/**
 * What an environment runs, with what is known of it on all its clusters: an image that a later wave does not run yet, or that
 * waits for its verdict there, still has to prove itself.
 * @param directory the environment's
 */
export async function environmentRecords(snapshot: Snapshot, directory: string): Promise<Records> {
  const waves: Records[] = [];
  for (const wave of laterWaves(snapshot, directory)) waves.push(await readRecords(snapshot, wave.directory));
  const records = await readRecords(snapshot, directory);
  return new Map(
    [...records].map(([service, record]) => {
      const isOpen = waves.some((wave) => {
        const later = wave.get(service);
        if (later === undefined || record.image === undefined) return false;
        return (
          later.image?.digest !== record.image.digest || ["pending", "failed"].includes(later.verification?.state ?? "")
        );
      });
      return [service, isOpen ? { ...record, verification: { state: "pending" } } : record];
    }),
  );
}
