import { shortDigest, type ReleaseResult } from "../git/records.ts";
import type { Surroundings } from "./command.ts";
import type { DeliveryEnvironment } from "./environment.ts";

/** Prints what a command has released: for people, or as one JSON object. */
export function report(
  environment: DeliveryEnvironment,
  { commit, released, retries }: ReleaseResult,
  json: boolean,
  { print }: Surroundings,
): void {
  if (json) {
    const services = released.map(({ service, repository, digest, previous }) => ({
      service,
      repository,
      digest,
      previous: previous ?? null,
    }));
    return print(
      JSON.stringify({
        environment: environment.name,
        changed: released.length > 0,
        commit: commit ?? null,
        retries,
        services,
      }),
    );
  }
  if (released.length === 0) return print(`${environment.name}: nothing to change`);
  for (const { service, digest, previous } of released) {
    print(
      `${environment.name}: ${service} ${previous === undefined ? "(nothing)" : shortDigest(previous)} → ${shortDigest(digest)}`,
    );
  }
  print(`commit ${commit} on branch ${environment.branch} of ${environment.repository}`);
}
