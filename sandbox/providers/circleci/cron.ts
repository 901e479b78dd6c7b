import { Cron } from "croner";

const fields = [
  { name: "minute", least: 0, most: 59, values: 60 },
  { name: "hour", least: 0, most: 23, values: 24 },
  { name: "day of month", least: 1, most: 31, values: 31 },
  { name: "month", least: 1, most: 12, values: 12 },
  // Sunday has two numbers.
  { name: "day of week", least: 0, most: 7, values: 7 },
];

/**
 * What is wrong with a cron expression of five fields of numbers, ranges, lists and steps; `undefined`: nothing. What croner
 * takes beyond that (names, `?`, `L`, `#`, seconds, `@daily` …) is refused.
 */
export function cronProblem(expression: string): string | undefined {
  const given = expression.trim().split(/\s+/);
  if (given.length !== fields.length)
    return `must have five fields (minute, hour, day of month, month, day of week), has ${given.length}`;
  for (const [index, { name, least, most, values }] of fields.entries()) {
    const wrong = (given[index] ?? "").split(",").find((item) => !isItem(item, least, most, values));
    if (wrong !== undefined) return `has ${JSON.stringify(wrong)} as ${name}, which goes from ${least} to ${most}`;
  }
  return undefined;
}

function isItem(item: string, least: number, most: number, longestStep: number): boolean {
  const parsed = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(item);
  if (parsed === null) return false;
  const [, from = String(least), to = from, step = "1"] = parsed;
  const [first, last, stride] = [Number(from), Number(to), Number(step)];
  return stride >= 1 && stride <= longestStep && first >= least && last <= most && first <= last;
}

/** Whether a moment's minute (UTC) is one of a valid expression's. Of the two days one is enough where both are limited. */
export function cronMatches(expression: string, moment: Date): boolean {
  // With any second; a single number with a step goes on to the end.
  return new Cron(`* ${expression.trim()}`, { mode: "6-part", timezone: "UTC", sloppyRanges: true }).match(moment);
}
