import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { debianPostgres } from "../../tools/postgres.ts";

/** Postgres's programs, and what they need in their environment. */
export interface PostgresPrograms {
  initdb: string;
  postgres: string;
  environment: Record<string, string>;
}

const debianFolder = "/usr/lib/postgresql";

/** Those of this machine, the newest first, else Debian's, unpacked into the cache. @throws Error when there are none */
export async function postgresPrograms(report: (line: string) => void): Promise<PostgresPrograms> {
  const installed = existsSync(debianFolder)
    ? readdirSync(debianFolder)
        .toSorted((one, other) => Number(other) - Number(one))
        .map((version) => join(debianFolder, version, "bin"))
    : [];
  const folders = [...installed, ...(process.env["PATH"] ?? "").split(delimiter)];
  const found = folders.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))));
  if (found !== undefined) return programsIn(found, {});
  const { bin, libraries } = await debianPostgres(report);
  return programsIn(bin, { LD_LIBRARY_PATH: libraries });
}

function programsIn(folder: string, environment: Record<string, string>): PostgresPrograms {
  return { initdb: join(folder, "initdb"), postgres: join(folder, "postgres"), environment };
}
