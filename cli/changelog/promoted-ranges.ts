import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, type Records } from "../../git/records.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import { assertServicesKnown } from "../release/unknown-services.ts";
import type { CommitRange } from "./service-changes.ts";

/**
 * From what one environment runs to what another runs, as their release records say.
 * @param from where digests come from
 * @param named @default all that both have
 * @throws CommandError for a service that one of them has not
 */
export async function promotedRanges(
  from: DeliveryEnvironment,
  to: DeliveryEnvironment,
  named?: readonly string[],
): Promise<readonly CommitRange[]> {
  const recordsOf = (one: DeliveryEnvironment): Promise<Records> =>
    readBranch(one, (snapshot) => readRecords(snapshot, one.directory));
  const [there, here] = await Promise.all([recordsOf(from), recordsOf(to)]);
  for (const [environment, records] of [
    [from, there],
    [to, here],
  ] as const)
    assertServicesKnown(environment, records, named ?? []);
  return [...there.keys()]
    .filter((service) => here.has(service) && (named?.includes(service) ?? true))
    .map((service) => rangeOf(service, { name: to.name, records: here }, { name: from.name, records: there }));
}

/** @param before where it is promoted to @param after where it comes from */
function rangeOf(service: string, before: NamedRecords, after: NamedRecords): CommitRange {
  const both = [after, before].map(({ name, records }) => ({ name, record: records.get(service) }));
  const [idle] = both.flatMap(({ name, record }) => (record?.image === undefined ? [name] : []));
  const [silent] = both.flatMap(({ name, record }) => (record?.sourceCommit === undefined ? [name] : []));
  const reason =
    idle === undefined
      ? silent && `its record in ${silent} names no commit of the monorepo`
      : `${idle} runs nothing of it yet`;
  return {
    service,
    from: before.records.get(service)?.sourceCommit,
    to: after.records.get(service)?.sourceCommit,
    ...(reason === undefined ? {} : { reason }),
  };
}

interface NamedRecords {
  readonly name: string;
  readonly records: Records;
}
