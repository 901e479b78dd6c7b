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
