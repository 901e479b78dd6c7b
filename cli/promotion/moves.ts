import { isSameImage, type Records, type Release } from "../../git/records.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import { CommandError } from "../command.ts";
import { sourceRecords, type Candidates, type PromotionPath } from "./candidates.ts";

/**
 * What is left to write once the gates hold, which may have taken long. They were asked about all of it together, so that
 * a single service that has moved on takes the ground from the rest: tests of the first environment have then run against
 * a mixture, and in the second somebody wants something else.
 * @param records those of the second environment, at the tip of its branch
 * @returns without those that others have promoted already
 * @throws CommandError where one of the environments has moved on since the candidates were read
 */
export async function refuseMoves(
  { from, to }: PromotionPath,
  { pending, seen }: Pick<Candidates, "pending" | "seen">,
  records: Records,
  snapshot: Snapshot,
): Promise<Release[]> {
  const left = pending.filter((release) => !isSameImage(release, records.get(release.service)?.image));
  const source = await sourceRecords(from, to, snapshot);
  const moved = left.filter(({ service, digest }) => source.get(service)?.image?.digest !== digest);
  // A second rollback still names what the first one took away.
  const isBack = ({ service }: Release): boolean => source.get(service)?.rejected !== undefined;
  const changed = left.filter(({ service }) => !saysTheSame(seen.get(service), records.get(service)));
  const moves = [
    { of: moved.filter(isBack), what: (names: string) => `${from.name} has rolled ${names} back` },
    {
      of: moved.filter((release) => !isBack(release)),
      what: (names: string) => `${from.name} runs another build of ${names}`,
    },
    { of: changed, what: (names: string) => `${to.name} was changed by others in ${names}` },
  ].flatMap(({ of, what }) => (of.length === 0 ? [] : [what(of.map(({ service }) => service).join(", "))]));
  if (moves.length === 0) return left;
  throw new CommandError(
    `since the gates were asked, ${moves.join(", and ")}; nothing was promoted. Look at what runs now, and run the same command again`,
  );
}

/** What runs, and what must not come back: an image may have come and been rolled back in the meantime. */
function saysTheSame(seen: ReleaseRecord | undefined, now: ReleaseRecord | undefined): boolean {
  return (
    (seen === undefined) === (now === undefined) &&
    seen?.image?.digest === now?.image?.digest &&
    seen?.image?.repository === now?.image?.repository &&
    seen?.rejected?.digest === now?.rejected?.digest
  );
}
