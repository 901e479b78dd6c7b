import { errorMessage } from "../../core/error.ts";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { judge } from "../judgment/judge.ts";
import { judgmentVariable, recordedJudgment } from "../judgment/left-judgment.ts";
import { measure } from "../judgment/measure.ts";
import { metricsTokenVariable } from "../judgment/prometheus.ts";
import { judgmentMarkdown, judgmentText } from "../judgment/report.ts";
import { readJudgment, type JudgmentSettings, type Measured } from "../judgment/settings.ts";
import { UsageError, type OptionTable, type OptionValues } from "../options.ts";

const options = {
  file: {
    value: "FILE",
    required: true,
    help: "in YAML or JSON: the metrics, their groups and the scores; with `measured`, the values are those of the file, and nobody is asked",
  },
  canary: {
    value: "NAME=TEXT",
    parse: assignment,
    multiple: true,
    help: "what ${NAME} in queries means for the canary",
  },
  baseline: { value: "NAME=TEXT", parse: assignment, multiple: true, help: "and for the baseline" },
  to: {
    value: "TIME",
    parse: moment,
    help: "the end of the time that is judged, e.g. 2026-01-31T12:00:00Z",
    defaultText: "now",
  },
  save: {
    value: "FILE",
    help: "write what was judged, with all values, as JSON: --file judges it again, in the same way",
  },
  interim: { help: "a look at a canary that goes on: a marginal score is enough" },
  markdown: { help: "print a table in Markdown" },
  json: { help: "print JSON" },
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "judge a canary by its metrics beside those of a baseline",
  description: [
    `Compares the values of each metric of a canary with those of a baseline: pods of the version before that were started
    together with it, take as much traffic, and so are as warm. The test is that of Spinnaker's Kayenta, Mann–Whitney U at a
    confidence of 98 %; which share of the metrics of each group passes, and how much each group counts, makes a score of 100.`,
    {
      pass: "the score is at least `pass` (95)",
      marginal: "it is at least `marginal` (75): enough to go on looking, with --interim",
      fail: "it is below, or a critical metric has changed, or its data is missing",
    },
    "Values that are missing, or too few to tell, fail a metric, unless its `missing` says `ignore` or `zero`.",
  ],
  usage: ["judge --file FILE [--canary NAME=TEXT …] [--baseline NAME=TEXT …] [OPTIONS]"],
  options,
  notes: [
    `The server is one with Prometheus' HTTP API; a token for it is taken from ${metricsTokenVariable} of the environment.`,
    "Exit status: 0 the canary passes; 1 it does not, or it could not be judged, as the message says; 2 the command line is wrong.",
  ],
  run,
});

async function run(flags: OptionValues<typeof options>, context: CommandContext): Promise<void> {
  const settings = withScopes(readJudgment(flags.file), flags);
  const measured = settings.measured ?? (await measureNow(settings, flags, context));
  const judgment = judge(settings, measured);
  if (flags.save !== undefined) save(flags.save, { ...settings, measured });
  const left = context.environment[judgmentVariable] ?? "";
  if (left !== "") save(left, recordedJudgment(judgment, settings));
  if (flags.json) context.print(JSON.stringify({ ...judgment, from: measured.from, to: measured.to }, undefined, 2));
  else context.print((flags.markdown ? judgmentMarkdown : judgmentText)(judgment, measured));
  if (judgment.verdict === "pass" || (judgment.verdict === "marginal" && flags.interim)) return;
  throw new CommandError(
    `the canary does not pass: its score is ${judgment.score}, and ${flags.interim ? settings.marginal : settings.pass} is asked for`,
  );
}

function withScopes(settings: JudgmentSettings, flags: OptionValues<typeof options>): JudgmentSettings {
  const { canary, baseline } = settings.scopes;
  const scopes = {
    canary: { ...canary, ...Object.fromEntries(flags.canary ?? []) },
    baseline: { ...baseline, ...Object.fromEntries(flags.baseline ?? []) },
  };
  return { ...settings, scopes };
}

async function measureNow(
  settings: JudgmentSettings,
  { file, to: end = new Date() }: Pick<OptionValues<typeof options>, "file" | "to">,
  context: CommandContext,
): Promise<Measured> {
  const { prometheus: url, minutes, step } = settings;
  if (url === undefined)
    throw new CommandError(`${file}: prometheus: missing; set it to the URL of a server with its API`);
  const token = context.environment[metricsTokenVariable] || undefined;
  // Whole seconds, so that what a file says of the time is exactly what was asked for.
  const to = new Date(Math.floor(end.getTime() / 1000) * 1000);
  const from = new Date(to.getTime() - minutes * 60_000);
  return measure(settings, { url, token, signal: context.signal }, { from, to, step }, file);
}

function save(path: string, content: unknown): void {
  try {
    writeFileAtomically(path, `${JSON.stringify(content, undefined, 2)}\n`);
  } catch (error) {
    throw new CommandError(`${path} cannot be written (${errorMessage(error)})`, { cause: error });
  }
}

function assignment(text: string, option: string): [name: string, value: string] {
  const [, name, value] = /^([A-Za-z][\w.-]{0,62})=([^"'`\n]+)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new UsageError(`--${option} ${JSON.stringify(text)}: must be NAME=TEXT, without quotes in TEXT`);
}

function moment(text: string, option: string): Date {
  const date = new Date(text);
  if (/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new UsageError(`--${option} ${JSON.stringify(text)}: must be a time such as 2026-01-31T12:00:00Z`);
}
