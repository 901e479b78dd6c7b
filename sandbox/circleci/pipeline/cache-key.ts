import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathInJob, type JobWorld } from "./job-world.ts";

/**
 * A cache's key with its templates filled in.
 * Source: https://circleci.com/docs/configuration-reference/#savecache
 *
 * @throws Error for a template that is unknown, or a file that is not there
 */
export function cacheKey(world: JobWorld, template: string): string {
  return template.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (found: string, inner: string) => {
    const [, file] = /^checksum "([^"]+)"$/.exec(inner) ?? [];
    if (file !== undefined) return checksum(pathInJob(world, file));
    const [, variable] = /^\.Environment\.(\w+)$/.exec(inner) ?? [];
    if (variable !== undefined) return world.environment[variable] ?? "";
    const value = {
      ".Branch": world.pipeline.source.branch ?? "",
      ".BuildNum": String(world.job.number ?? 0),
      ".Revision": world.pipeline.source.revision,
      epoch: String(Math.floor(Date.now() / 1000)),
      arch: `arch1-${process.platform}-${process.arch}`,
    }[inner];
    if (value === undefined) throw new Error(`cache key ${template}: the sandbox's CircleCI does not know ${found}`);
    return value;
  });
}

function checksum(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("base64");
}
