import { environmentRecords } from "../../git/environment-records.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, shortDigest, type Release } from "../../git/records.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { reasonText, type OptionTable } from "../options.ts";
import { findEnvironment, type DeliveryEnvironment, type EnvironmentFlags } from "../project/environment.ts";
import type { Project } from "../project/stack-file.ts";
import { holdGate } from "../promotion/hold-gate.ts";

/** The option of commands that release what is new. */
export const breakGlassOption = {
  "break-glass": {
    value: "REASON",
    parse: reasonText("nothing is waited for"),
    help: "release although no window is open; the commit says why",
  },
} as const satisfies OptionTable;

/** What the release records of an environment say is to run once a window is open. */
export function waitingReleases(environment: DeliveryEnvironment): Promise<readonly Release[]> {
  return readBranch(environment, async (snapshot) => {
    const records = await readRecords(snapshot, environment.directory);
    return [...records].flatMap(([service, { waiting }]): Release[] =>
      waiting === undefined ? [] : [{ ...waiting, service, repository: environment.imagesOf(service) }],
    );
  });
}

/**
 * Leaves out what the environment that it comes from no longer runs, or what has not proved itself there: since the gates were
 * asked, it may have been taken back.
 */
export async function stillPromoted(
  project: Project,
  { name }: DeliveryEnvironment,
  flags: EnvironmentFlags,
  releases: readonly Release[],
  note: (line: string) => void,
): Promise<readonly Release[]> {
  const from = project.stackFile(name).find("promotion")?.promotion?.from;
  if (from === undefined || releases.length === 0) return releases;
  const source = findEnvironment(project, from, flags);
  const records = await readBranch(source, (snapshot) => environmentRecords(snapshot, source.directory));
  return releases.filter(({ service, digest }) => {
    const { image, verification } = records.get(service) ?? {};
    const isGood = image?.digest === digest && !["pending", "failed"].includes(verification?.state ?? "");
    if (!isGood)
      note(`${service} no longer waits: ${shortDigest(digest)} is not what ${from} runs by now, or has failed there`);
    return isGood;
  });
}

/**
 * Leaves out what has been put on hold since it was noted, where that counts; it keeps waiting.
 * @throws CommandError where what is on hold is not known
 */
export async function withoutHeld(
  project: Project,
  environment: DeliveryEnvironment,
  releases: readonly Release[],
  context: CommandContext,
): Promise<readonly Release[]> {
  const promotion = project.stackFile(environment.name).find("promotion")?.promotion;
  if (promotion?.holds !== true || releases.length === 0) return releases;
  const seen = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  const { detail, services } = await holdGate({ project, to: environment.name, pending: releases, seen, context });
  if (services === undefined) throw new CommandError(`${environment.name}: ${detail}; nothing was changed`);
  const held = services.filter(({ passed }) => !passed);
  for (const one of held) context.note(`${one.service} keeps waiting: it ${one.detail}`);
  return releases.filter(({ service }) => held.every((one) => one.service !== service));
}
