/** The names that Kubernetes documents, and the fields that each stands for. */
const macros: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Words for its numbers, the first for the least. */
  readonly words?: readonly string[];
}

const fields = [
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of the month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12, words: "jan feb mar apr may jun jul aug sep oct nov dec".split(" ") },
  { name: "day of the week", least: 0, most: 6, words: "sun mon tue wed thu fri sat".split(" ") },
] as const satisfies readonly Field[];

/** The most days that a month ever has. */
const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Why Kubernetes would not take a schedule, or would never act on it; `undefined`: it is fine.
 * Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
 */
export function scheduleProblem(text: string): string | undefined {
  if (/^(CRON_)?TZ=/.test(text)) return "Has a time zone in it, which Kubernetes refuses; say it in `timeZone`";
  if (text.startsWith("@") && macros[text] === undefined)
    return `Is no schedule; the words that there are: ${Object.keys(macros).join(", ")}`;
  const parts = fieldsIn(text);
  if (parts.length !== fields.length)
    return `Has ${parts.length} fields; it takes five: minute, hour, day of the month, month, day of the week, such as "30 2 * * 1"`;
  const read = fields.map((field, index) => fieldValues(parts[index] ?? "", field));
  const problem = read.find((values) => typeof values === "string");
  if (typeof problem === "string") return problem;
  const [, , days = [], months = []] = read.map((values) => (typeof values === "string" ? [] : values));
  // With a day of the week, either of the two is enough.
  const occurs = months.some((month) => days.some((day) => day <= (longest[month - 1] ?? 0)));
  return isAny(parts[4] ?? "") && !occurs ? "Never comes: none of its months has such a day" : undefined;
}

/**
 * A schedule in the part of cron that all its readers take alike: lists of numbers, and `*` where any value counts. Libraries
 * differ in steps, names and `?`, and in which days are meant where only one of the two fields of days says any.
 * @param text without a problem
 */
export function plainSchedule(text: string): string {
  const parts = fieldsIn(text);
  return fields
    .map((field, index) => {
      const part = parts[index] ?? "";
      const values = fieldValues(part, field);
      if (typeof values === "string") throw new Error(`${JSON.stringify(text)}: ${values}`);
      return isAny(part) ? "*" : [...new Set(values)].toSorted((one, other) => one - other).join(",");
    })
    .join(" ");
}

function fieldsIn(text: string): string[] {
  const expanded = text.startsWith("@") ? (macros[text] ?? text) : text;
  return expanded.split(/\s+/).filter((part) => part !== "");
}

/** Whether a field takes any value, and so, of the two for days, leaves the choice to the other. A step makes a list of it. */
function isAny(part: string): boolean {
  return part.split(",").some((item) => /^[*?](\/0*1)?$/.test(item));
}

/** The numbers that a field means, or what is wrong with it. */
function fieldValues(text: string, field: Field): number[] | string {
  const found = text.split(",").map((part) => rangeValues(part, field));
  const problem = found.find((values) => typeof values === "string");
  return typeof problem === "string" ? problem : found.flatMap((values) => (typeof values === "string" ? [] : values));
}

function rangeValues(part: string, field: Field): number[] | string {
  const { name, least, most } = field;
  const refusal = `Its ${name} ${JSON.stringify(part)} is none: it takes ${least} to ${most}, *, lists, ranges and steps such as */5`;
  const match = /^(?:[*?]|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:\/(\d+))?$/.exec(part);
  if (match === null) return refusal;
  const [, first, last, steps] = match;
  const step = steps === undefined ? 1 : Number(steps);
  const start = first === undefined ? least : numberOf(first, field);
  // A single number with a step goes on to the end.
  const end = last !== undefined ? numberOf(last, field) : first === undefined || steps !== undefined ? most : start;
  if (start === undefined || end === undefined || start < least || end > most) return refusal;
  if (start > end) return `Its ${name} ${JSON.stringify(part)} ends before it begins; turn it round`;
  if (step === 0) return `Its ${name} ${JSON.stringify(part)} has a step of 0; it takes 1 and more`;
  return Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
}

function numberOf(text: string, { words = [], least }: Field): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const index = words.indexOf(text.toLowerCase());
  return index < 0 ? undefined : index + least;
}

/** The areas of the IANA database. */
const areas =
  "Africa America Antarctica Arctic Asia Atlantic Australia Brazil Canada Chile Etc Europe Indian Mexico Pacific US";
const zoneInArea = new RegExp(String.raw`^(?:${areas.replaceAll(" ", "|")})(?:/[A-Z][\w+-]*)+$`);

/** Its names outside of all areas. */
const withoutArea = [
  "CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran Israel",
  "Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK Singapore Turkey UCT",
  "UTC Universal W-SU WET Zulu",
].flatMap((names) => names.split(" "));

/** Names that Node.js knows on top, in areas; those outside of them are abbreviations that Java had, such as IST and PST. */
const noLonger = new Set(["US/Pacific-New", "Canada/East-Saskatchewan"]);

/**
 * Why Kubernetes would not take a time zone; `undefined`: it is fine. It looks for a file of that name, so that upper and lower case count.
 * Source: https://pkg.go.dev/time#LoadLocation
 */
export function timeZoneProblem(name: string): string | undefined {
  const hint = "is no time zone; write one of the IANA database, such as Europe/Berlin, or Etc/UTC";
  const known = [...withoutArea, ...Intl.supportedValuesOf("timeZone")];
  const exact = known.find((one) => one.toLowerCase() === name.toLowerCase());
  if (exact !== undefined) return exact === name ? undefined : `is spelled ${exact}`;
  if (!zoneInArea.test(name) || noLonger.has(name)) return hint;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return undefined;
  } catch {
    return hint;
  }
}
