import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Problem } from "../core/problem.ts";
import { parseRecord, recordPath } from "../git/release-record.ts";

/** Where the release record of a service is: the file that CI writes and that says what runs in an environment. */
export function releaseRecordPath(releases: string, environment: string, service: string): string {
  return join(releases, recordPath(environment, service));
}

/**
 * The digest that a release record pins; `undefined` if nothing has been released yet.
 * @param repository the image the record must speak of
 */
export function readReleaseRecord(
  file: string,
  repository: string,
): { digest: string | undefined } | { problems: Problem[] } {
  if (!existsSync(file)) return { digest: undefined };
  const record = parseRecord(file, readFileSync(file, "utf8"));
  if ("problems" in record) return record;
  const { image } = record;
  if (image !== undefined && image.repository !== repository) {
    return {
      problems: [
        {
          location: `${file}: images.0.name`,
          message: `${JSON.stringify(image.repository)} is another image than ${repository}; correct images.registry or images.organization, or release again`,
        },
      ],
    };
  }
  return { digest: image?.digest };
}
