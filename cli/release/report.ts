import { shortDigest, type Release, type ReleaseResult } from "../../git/records.ts";
import type { CommandContext } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Closed } from "./windows.ts";

/** What waits, and for what. */
export interface Held {
  readonly closed: Closed;
  readonly waiting: readonly Release[];
}

/** For people: what waits until when, and why. */
export function heldLines(environment: string, { closed, waiting }: Held): string[] {
  return waiting.map(
    ({ service, digest }) =>
      `${environment}: ${service} ${shortDigest(digest)} waits until ${closed.until.toISOString()}: ${closed.reason}; \`delivery release --waiting\` releases it then, --break-glass REASON now`,
  );
}

/**
 * Prints what a command has released: for people, or as one JSON object.
 * @param more what else the JSON says
 */
export function report(
  environment: DeliveryEnvironment,
  { commit, released, confirmed, retries, held }: ReleaseResult & { readonly held?: Held | undefined },
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
        ...(held === undefined
          ? {}
          : {
              waitsUntil: held.closed.until.toISOString(),
              waiting: held.waiting.map(({ service, digest }) => ({ service, digest })),
            }),
        ...more,
      }),
    );
  }
  if (held !== undefined && held.waiting.length > 0) return print(heldLines(environment.name, held).join("\n"));
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
