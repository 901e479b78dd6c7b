import { circleCiTokenVariable } from "../../circleci/api.ts";
import type { Problem } from "../../core/problem.ts";
import { isSecretSource } from "../../components/circleci/contexts.ts";
import { settingName } from "../ci-config/travis/configuration.ts";
import type { CiEngineName } from "../../stacks/ci-schema.ts";
import { wrap } from "../options.ts";
import { printable } from "../status/text.ts";
import type { JobTrigger, JobUse, ReachableContext, Reach } from "./reach.ts";

/** Something that opens a wall, or may. Holds nothing secret. */
export interface Finding extends Problem {
  /** `error`: what a pull request may run reaches what production trusts, or jobs cannot work; `warning`: a wall is lower than it could be. */
  readonly level: "error" | "warning";
}

/** What `delivery serve` holds, and who has it act. */
export interface ReceiverReach {
  /** The environments that comments change. */
  readonly environments: readonly string[];
  /** Who may have it change them. */
  readonly for: string;
  /** What each of its secrets opens, by the name of its variable. */
  readonly holds: Readonly<Record<string, string>>;
}

export interface DoctorReport extends Pick<Reach, "app" | "contexts"> {
  /** What runs the pipeline. */
  readonly engine: CiEngineName;
  readonly findings: readonly Finding[];
  /** What `delivery serve` holds, if comments change anything. */
  readonly receiver?: ReceiverReach | undefined;
  /** Whether CircleCI has said what it really has. */
  readonly asked: boolean;
}

const triggerTitles: Readonly<Record<JobTrigger, string>> = {
  deliver: "what is merged",
  review: "pull requests",
  "review-with-environment": "labelled pull requests",
  "review-of-fork": "pull requests of forks",
  drift: "the schedule",
  resume: "the schedule of what waits",
  rollback: "CircleCI's page of deploys",
};

/** Every context with who gets it, what it holds and which jobs use it, and below what is to be done. */
export function doctorText({ app, engine, contexts, receiver, findings, asked }: DoctorReport): string {
  return [
    `${app} · who can reach what`,
    ...contexts.map((context) => (engine === "travis" ? travisSettings(context) : contextText(context, engine))),
    ...(receiver === undefined ? [] : [receiverText(receiver)]),
    isSo(engine, asked),
    ...(findings.length === 0 ? [] : [findings.map(findingText).join("\n")]),
    countFindings(findings),
  ].join("\n\n");
}

function receiverText({ environments, holds, ...receiver }: ReceiverReach): string {
  const lines: [term: string, text: string][] = [
    ["for", receiver.for],
    ...Object.entries(holds).map(([variable, opens]): [string, string] => ["holds", `${variable}: ${opens}`]),
  ];
  return [
    printable(`delivery serve · changes ${environments.join(", ")}, wherever it runs`),
    ...lines.map(([term, text]) => wrap(printable(text), `  ${term.padEnd(5)}  `, " ".repeat(9))),
  ].join("\n");
}

/** How somebody finds out whether an engine has it so. */
function isSo(engine: CiEngineName, asked: boolean): string {
  const sentences: Readonly<Record<CiEngineName, string>> = {
    circleci: asked
      ? "CircleCI was asked: what it has otherwise is below."
      : `Whether CircleCI has it so is not known; it is asked with the API token in ${circleCiTokenVariable}.`,
    tekton: "Whether the cluster has it so, `pulumi preview --refresh` says.",
    travis:
      "Whether Travis CI has it so is not known: these are variables of the repository's settings there, set by hand, as is a cron job of the delivered branch, which looks for drift.",
  };
  return sentences[engine];
}

function contextText({ name, stack, variables, jobs, ...context }: ReachableContext, engine: CiEngineName): string {
  const holds = Object.entries(variables).flatMap(([variable, source]) =>
    isSecretSource(source) ? [`${variable} (${source})`] : [],
  );
  const lines: [term: string, text: string][] = [
    ["for", engine === "tekton" ? runsOf(context) : whoOf(context)],
    ["holds", holds.length === 0 ? "no secrets" : holds.join(", ")],
    ["jobs", jobs.length === 0 ? "none" : jobsText(jobs)],
  ];
  return [
    printable(`${name} · declared by ${stack}`),
    ...lines.map(([term, text]) => wrap(printable(text), `  ${term.padEnd(5)}  `, " ".repeat(9))),
  ].join("\n");
}

/** A Secret of Tekton's is for all runs of its namespace. */
function runsOf({ delivered }: Pick<ReachableContext, "delivered">): string {
  return delivered
    ? "runs of what is merged, and the schedule, in the namespace …-ci-deliver"
    : "runs of whoever may push a branch, in the namespace …-ci-review; no forks";
}

/** The variables that a person sets in Travis' settings of the repository, of which each job gets those of its contexts. */
function travisSettings({ name, stack, variables, jobs, delivered }: ReachableContext): string {
  const settings = Object.entries(variables).map(([variable, source]) => `${settingName(name, variable)} (${source})`);
  const lines: [term: string, text: string][] = [
    [
      "for",
      delivered
        ? "the delivered branch: restrict each to it; Travis gives them to pull requests for it, too, but those of forks"
        : "all branches; Travis gives forks none",
    ],
    ["set", settings.length === 0 ? "nothing" : settings.join(", ")],
    ["jobs", jobs.length === 0 ? "none" : jobsText(jobs)],
  ];
  return [
    printable(`${name} · declared by ${stack}`),
    ...lines.map(([term, text]) => wrap(printable(text), `  ${term.padEnd(5)}  `, " ".repeat(9))),
  ].join("\n");
}

function whoOf({ delivered, expression }: Pick<ReachableContext, "delivered" | "expression">): string {
  if (delivered) return "what is merged, and the schedule; nobody else, whatever a branch has edited";
  const pushers = "whoever may push a branch, by a configuration of their own, too; no forks";
  return expression === undefined ? `${pushers}, but jobs into which somebody logs in by SSH` : pushers;
}

/** `build-…, release-dev (what is merged); drift-dev (the schedule)` */
function jobsText(jobs: readonly JobUse[]): string {
  const byTriggers = Map.groupBy(jobs, ({ triggers }) =>
    triggers.includes("deliver") && triggers.includes("review") && triggers.includes("drift")
      ? "every pipeline but those of forks"
      : triggers.map((trigger) => triggerTitles[trigger]).join(", "),
  );
  return [...byTriggers].map(([titles, some]) => `${some.map(({ job }) => job).join(", ")} (${titles})`).join("; ");
}

function findingText({ level, location, message }: Finding): string {
  return wrap(printable(`${location}: ${message}`), `${level.padEnd(7)}  `, " ".repeat(9));
}

/** `2 errors, 1 warning` */
export function countFindings(findings: readonly Finding[]): string {
  const count = (level: Finding["level"]): string => {
    const { length } = findings.filter((finding) => finding.level === level);
    return `${length} ${level}${length === 1 ? "" : "s"}`;
  };
  return findings.length === 0 ? "Nothing to do." : `${count("error")}, ${count("warning")}`;
}
