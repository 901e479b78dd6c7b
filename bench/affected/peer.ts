import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** A tool of others that says what a commit affects in a Node workspace. */
export interface Peer {
  readonly name: string;
  /** The names of the packages that the last commit of a checkout affects. */
  readonly affected: (checkout: string) => string[];
}

const version = "2.11.11";
const outputSchema = z.object({ packages: z.object({ items: z.array(z.object({ name: z.string() })) }) });

/**
 * Installs Turborepo from npm into a directory.
 * @param report told why there is none
 * @returns `undefined`: it cannot be had here
 */
export function installPeer(directory: string, report: (line: string) => void): Peer | undefined {
  writeFileSync(join(directory, "package.json"), "{}");
  try {
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", `turbo@${version}`], {
      cwd: directory,
      stdio: "pipe",
    });
  } catch (error) {
    report(`there is no comparison with Turborepo: npm cannot install turbo@${version} here (${firstLine(error)})`);
    return undefined;
  }
  const program = join(directory, "node_modules/.bin/turbo");
  if (!existsSync(program)) {
    report(`there is no comparison with Turborepo: turbo@${version} has no program for this machine`);
    return undefined;
  }
  return {
    name: `Turborepo ${version}`,
    affected: (checkout) => {
      const env = {
        ...process.env,
        TURBO_TELEMETRY_DISABLED: "1",
        TURBO_SCM_BASE: "HEAD^1",
        TURBO_SCM_HEAD: "HEAD",
        DO_NOT_TRACK: "1",
      };
      const output = execFileSync(program, ["ls", "--affected", "--output=json"], {
        cwd: checkout,
        encoding: "utf8",
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      return outputSchema.parse(JSON.parse(output)).packages.items.map(({ name }) => name);
    },
  };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
