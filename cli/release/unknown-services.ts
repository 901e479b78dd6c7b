import type { Records, Release } from "../../git/records.ts";
import { CommandError } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";

/** Digests that are to be released. */
interface RequestedReleases {
  readonly releases: readonly Release[];
  /** The services that the caller has named one by one; the others have come along with what was built. */
  readonly named: ReadonlySet<string>;
}

export interface KnownReleases {
  readonly known: readonly Release[];
  /** Built, but without manifests or a record in the environment: nobody has run `pulumi up` since they are there. */
  readonly unknown: readonly string[];
}

const missingHint = "; run `pulumi up` first, or give --new";

/**
 * Leaves out what the environment does not have yet. A pipeline builds a service as soon as the monorepo has it, which may
 * be days before someone runs `pulumi up`: the others must not wait for that, nor the environments that are promoted to
 * after this one. As exit status 1 promises that nothing was released, it is 0 then, and a note says what was left out.
 *
 * Where nothing else was built, it is a failure: either the pipeline is that of the new service itself, where success would
 * say that it runs, or the environment is mistaken. So is a service that the caller names, which may be misspelt.
 * @throws CommandError that lists the services that there are
 */
export function knownReleases(
  environment: DeliveryEnvironment,
  records: Records,
  { releases, named }: RequestedReleases,
): KnownReleases {
  assertServicesKnown(environment, records, named, missingHint);
  const known = releases.filter(({ service }) => records.has(service));
  const unknown = releases.flatMap(({ service }) => (records.has(service) ? [] : [service]));
  if (known.length === 0) assertServicesKnown(environment, records, unknown, missingHint);
  return { known, unknown };
}

/** For people: what was left out, and what brings it in. */
export function unknownServicesLine(environment: string, services: readonly string[]): string {
  return `not released: ${services.join(", ")}, which ${environment} does not have yet. Run \`pulumi up\`, which makes the manifests and the release record; after that, the next pipeline releases it, or this job if it is run again`;
}

/** @throws CommandError that lists the services that there are */
export function assertServicesKnown(
  environment: DeliveryEnvironment,
  records: Records,
  services: Iterable<string>,
  hint = "",
): void {
  const unknown = [...services].filter((service) => !records.has(service));
  if (unknown.length === 0) return;
  const known = records.size === 0 ? "no service at all" : [...records.keys()].join(", ");
  const where = `${environment.directory}/ on branch ${environment.branch} of ${environment.repository}`;
  throw new CommandError(
    `${environment.name} has no service ${unknown.map((name) => JSON.stringify(name)).join(", ")}: ${where} has ${known}${hint}; nothing was changed`,
  );
}
