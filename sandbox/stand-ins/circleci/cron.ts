const fields = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12 },
  { name: "day of week", least: 0, most: 7 },
];

/** What is wrong with a cron expression of five fields of numbers, ranges, lists and steps; `undefined`: nothing. */
export function cronProblem(expression: string): string | undefined {
  const given = expression.trim().split(/\s+/);
  if (given.length !== fields.length)
    return `must have five fields (minute, hour, day of month, month, day of week), has ${given.length}`;
  for (const [index, { name, least, most }] of fields.entries()) {
    const wrong = (given[index] ?? "").split(",").find((item) => !isItem(item, least, most));
    if (wrong !== undefined) return `has ${JSON.stringify(wrong)} as ${name}, which goes from ${least} to ${most}`;
  }
  return undefined;
}

function isItem(item: string, least: number, most: number): boolean {
  const parsed = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(item);
  if (parsed === null) return false;
  const [, from = String(least), to = from, step = "1"] = parsed;
  return Number(step) >= 1 && Number(from) >= least && Number(to) <= most && Number(from) <= Number(to);
}

/** Whether a moment's minute (UTC) is one of a valid expression's. Of the two days one is enough where both are limited. */
export function cronMatches(expression: string, moment: Date): boolean {
  const given = expression.trim().split(/\s+/);
  const now = [
    moment.getUTCMinutes(),
    moment.getUTCHours(),
    moment.getUTCDate(),
    moment.getUTCMonth() + 1,
    moment.getUTCDay(),
  ];
  const holds = fields.map(({ least, most }, index) =>
    (given[index] ?? "").split(",").some((item) => includes(item, now[index] ?? -1, least, most)),
  );
  const [minute, hour, dayOfMonth, month, dayOfWeek] = holds;
  const bothLimited = given[2] !== "*" && given[4] !== "*";
  const day = bothLimited ? dayOfMonth || dayOfWeek : dayOfMonth && dayOfWeek;
  return Boolean(minute && hour && month && day);
}

function includes(item: string, value: number, least: number, most: number): boolean {
  const parsed = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(item);
  if (parsed === null) return false;
  const [, first, last, step] = parsed;
  const from = Number(first ?? least);
  // A single number with a step goes on to the end.
  const to = Number(last ?? (first === undefined || step !== undefined ? most : first));
  // Sunday has two numbers.
  const candidates = most === 7 && value === 0 ? [0, 7] : [value];
  return candidates.some((one) => one >= from && one <= to && (one - from) % Number(step ?? 1) === 0);
}
