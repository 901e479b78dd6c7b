import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cached, cacheDir } from "../cache.ts";
import { libraryPath, releaseKey, unpackPackages } from "./debian-packages.ts";

/** The versions that Debian's and Ubuntu's releases of these years have. */
const versions = [18, 17, 16, 15, 14];

/**
 * Debian's Postgres, unpacked into the cache once per machine and release.
 *
 * @param report takes one line of progress
 * @throws Error when it cannot be had
 */
export async function debianPostgres(report: (line: string) => void): Promise<{ bin: string; libraries: string }> {
  const path = join(cacheDir(), "debian", `postgres-${releaseKey(versions)}`);
  await cached(path, async (folder) => {
    report("Postgres: downloading Debian's");
    await unpackFirst(folder);
  });
  const root = join(path, "root");
  const [version] = readdirSync(join(root, "usr/lib/postgresql"));
  return { bin: join(root, "usr/lib/postgresql", version ?? "", "bin"), libraries: libraryPath(root, root) };
}

/** A release has one version only. */
async function unpackFirst(folder: string): Promise<void> {
  const failures: unknown[] = [];
  for (const version of versions) {
    const name = `postgresql-${version}`;
    try {
      const root = await unpackPackages(folder, [name], [name]);
      if (existsSync(join(root, "usr/lib/postgresql"))) return;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new Error(`Postgres is not installed, and Debian's package cannot be fetched: ${String(failures.at(-1))}`);
}
