import { shortDigest, type ReleaseResult } from "../../git/records.ts";
import type { CommandContext } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";

/**
 * Prints what a command has released: for people, or as one JSON object.
 * @param more what else the JSON says
 */
export function report(
  environment: DeliveryEnvironment,
  { commit, released, confirmed, retries }: ReleaseResult,
  json: boolean,
  { print }: Pick<CommandContext, "print">,
  more: Readonly<Record<string, unknown>> = {},
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
        ...more,
      }),
    );
  }
  if (released.length + confirmed.length === 0) return print(`${environment.name}: nothing to change`);
  for (const { service, digest, sourceCommit } of confirmed)
    print(`${environment.name}: ${service} stays ${shortDigest(digest)}, which ${sourceCommit} makes, too`);
  for (const { service, digest, previous } of released) {
    print(
      `${environment.name}: ${service} ${previous === undefined ? "(nothing)" : shortDigest(previous)} → ${shortDigest(digest)}`,
    );
  }
  print(`commit ${commit} on branch ${environment.branch} of ${environment.repository}`);
}
