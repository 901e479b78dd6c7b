import { Cron } from "croner";
import { plainSchedule } from "../../core/cron.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import type { StackFile } from "../project/stack-file.ts";

/** Why nothing new may be released to an environment now. */
export interface Closed {
  readonly reason: string;
  /** From then on it may. */
  readonly until: Date;
}

type WindowSettings = Partial<Pick<StackSettings, "windows" | "freeze">>;

/** @returns `undefined`: it may be released now. */
export function closedBy(file: StackFile, now = new Date()): Closed | undefined {
  const settings = file.find("windows", "freeze");
  return settings && closedAt(settings, now);
}

/**
 * Whether a moment is outside all windows, or within the freeze. A window opens when the clocks of its zone say so, and is open
 * for so many hours, however often they are changed meanwhile.
 */
export function closedAt({ windows, freeze }: WindowSettings, now: Date): Closed | undefined {
  const reasons: string[] = [];
  let moment = now;
  // A freeze may end where no window is open, and a window open within a freeze.
  for (let turn = 0; turn < mostTurns; turn++) {
    const frozen = freeze !== undefined && isWithin(freeze, moment);
    if (frozen) {
      reasons.push(`it is frozen: ${freeze.reason}`);
      moment = new Date(freeze.until);
    }
    const opening = windows === undefined ? moment : nextOpening(windows, moment);
    if (opening.getTime() > moment.getTime()) reasons.push("no window is open");
    if (!frozen && opening.getTime() === moment.getTime()) break;
    moment = opening;
  }
  if (moment.getTime() === now.getTime()) return undefined;
  return { reason: [...new Set(reasons)].join(", and then "), until: moment };
}

/** After a freeze comes a window, and after that at most another freeze that has begun meanwhile. */
const mostTurns = 4;

function isWithin({ from, until }: NonNullable<WindowSettings["freeze"]>, moment: Date): boolean {
  return moment.getTime() < Date.parse(until) && (from === undefined || moment.getTime() >= Date.parse(from));
}

/** The moment itself where a window is open. */
function nextOpening(windows: NonNullable<WindowSettings["windows"]>, moment: Date): Date {
  const openings = windows.map(({ schedule, timeZone, hours }) => {
    // Lists are set times, too, and not intervals, which croner skips or doubles where clocks change.
    const cron = new Cron(plainSchedule(schedule), { timezone: timeZone, fixedTimeRule: "no-wildcard" });
    const last = cron.nextRun(new Date(moment.getTime() - hours * 3_600_000));
    if (last !== null && last.getTime() <= moment.getTime()) return moment;
    // The schema refuses what never comes.
    return cron.nextRun(moment) ?? new Date(8.64e15);
  });
  return new Date(Math.min(...openings.map((opening) => opening.getTime())));
}
