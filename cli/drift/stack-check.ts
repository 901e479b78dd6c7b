import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { repairCommand } from "../../components/circleci/circleci-hints.ts";
import { openCliStack } from "../pulumi/cli-stack.ts";
import { plainMessage, problemsIn, resourceName, typeOf } from "../pulumi/diagnostics.ts";
import {
  engineEventSchema,
  runEngine,
  type EngineEvent,
  type EngineRun,
  type EngineStep,
} from "../pulumi/engine-run.ts";
import { redaction, secretTexts } from "../pulumi/redaction.ts";
import { oneLine, reasonOf } from "../status/reading.ts";
import type { DriftSources } from "./collect.ts";
import { checkOf, type Check, type Finding } from "./report.ts";
import { stackStateOf } from "./stack-state.ts";

/** The stack for as long as the checks need it. Each of them reports what keeps it from being opened. */
export function openDriftStack(name: string): Pick<DriftSources, "state" | "stack"> & AsyncDisposable {
  const secrets: string[] = [];
  const opened = openCliStack(name, { onConfig: (values) => void secrets.push(...values) });
  // The callers that await it get the error; this only prevents an unhandled rejection.
  opened.catch(() => undefined);
  return {
    state: async () => {
      const { stack } = await opened;
      return stackStateOf((await stack.exportStack()).deployment);
    },
    stack: async () => {
      const check = await stackCheck((await opened).stack);
      return withoutSecrets(check, secretTexts(secrets, process.env));
    },
    [Symbol.asyncDispose]: async () => {
      const stack = await opened.catch(() => undefined);
      await stack?.[Symbol.asyncDispose]();
    },
  };
}

function withoutSecrets({ findings, reason, ...same }: Check, secrets: readonly string[]): Check {
  const { text } = redaction(secrets);
  return {
    ...same,
    reason: reason === null ? null : text(reason),
    findings: findings.map(({ what, change }) => ({ what: text(what), change: text(change) })),
  };
}

/** What the engine finds without changing anything: resources that differ from the state, then what an update would change. */
export async function stackCheck(stack: Stack): Promise<Check> {
  const refresh = await runEngine((onEvent) => stack.previewRefresh({ onEvent, suppressProgress: true }), reasonOf);
  const preview = await runEngine((onEvent) => stack.preview({ onEvent, suppressProgress: true }), reasonOf);
  return stackFindings(refresh, preview);
}

type Diagnostic = NonNullable<EngineEvent["diagnosticEvent"]>;

export function stackFindings(refresh: EngineRun, preview: EngineRun): Check {
  const live = readRun(refresh, isGone);
  // In a preview, what is not found is something that the program has asked for: it does not say that a resource is gone.
  const declared = readRun(preview, () => false);
  const findings = [
    ...live.steps.map((step) => ({ what: resourceName(step.urn), change: liveChange(step) })),
    ...live.gone.map((urn) => ({ what: resourceName(urn), change: goneChange(urn) })),
    ...declared.steps.map((step) => ({ what: resourceName(step.urn), change: declaredChange(step) })),
  ];
  const reasons = [
    ...live.problems.map((problem) => `refresh: ${problem}`),
    ...declared.problems.map((problem) => `preview: ${problem}`),
  ];
  return checkOf("stack", unique(findings), reasons.length === 0 ? null : reasons.join("; "));
}

/** What the events of one run say. */
interface RunResult {
  readonly steps: readonly EngineStep[];
  /** The URNs of what is gone so that it cannot even be read. */
  readonly gone: readonly string[];
  readonly problems: readonly string[];
}

/** @param saysGone whether an error only says that a resource is gone */
function readRun(
  { events, failure, stopped = false }: EngineRun,
  saysGone: (diagnostic: Diagnostic) => boolean,
): RunResult {
  const known = events.map((event) => engineEventSchema.parse(event));
  const steps = known.flatMap(({ resOutputsEvent }) =>
    resOutputsEvent !== undefined && isChange(resOutputsEvent.metadata) ? [resOutputsEvent.metadata] : [],
  );
  const errors = known.flatMap(({ diagnosticEvent: one }) => (one?.severity === "error" ? [one] : []));
  const gone = errors.filter(saysGone).flatMap(({ urn }) => urn ?? []);
  const problems = problemsIn(known, saysGone);
  const isUnexplained = problems.length + gone.length === 0;
  return {
    steps,
    gone,
    // The failure counts only where no event gives its cause.
    problems: [
      ...new Set(
        [...problems, ...(failure !== undefined && (stopped || isUnexplained) ? [failure] : [])].map((text) =>
          oneLine(text),
        ),
      ),
    ],
  };
}

/** Components and the stack have no state of their own; their children are counted instead. */
function isChange({ op, old, new: now }: EngineStep): boolean {
  return !["same", "read", "refresh"].includes(op) && (now ?? old)?.custom === true;
}

/**
 * Whether a refresh has failed because a resource is not there any more. CircleCI's provider, unlike others, fails for a
 * context that is gone; from other providers the same words may be about a host, a repository or a webhook.
 */
function isGone(diagnostic: Diagnostic): boolean {
  return (
    typeOf(diagnostic.urn).startsWith("circleci:") && /\b404\b|(?<!host )not found/i.test(plainMessage(diagnostic))
  );
}

function goneChange(urn: string): string {
  return `is gone, which fails every refresh of the stack until it is out of the state: ${repairCommand(urn)}`;
}

function liveChange(step: EngineStep): string {
  if (step.op === "delete") return "is gone";
  return step.op === "update" ? `is other than the stack has left it${differingPaths(step)}` : step.op;
}

const operations: Readonly<Record<string, string>> = {
  create: "is declared, and would be created",
  delete: "is not declared any more, and would be deleted",
  update: "would be changed",
  replace: "would be replaced",
};

/** A replacement comes in several steps. */
function declaredChange(step: EngineStep): string {
  const op = /replace/.test(step.op) ? "replace" : step.op;
  return `${operations[op] ?? op} by \`pulumi up\`${op === "update" || op === "replace" ? differingPaths(step) : ""}`;
}

/** The paths that differ; never their values, which may be secret. */
function differingPaths({ detailedDiff, diffs }: EngineStep): string {
  const detailed = Object.keys(detailedDiff ?? {}).filter((path) => !path.startsWith("__"));
  const paths = detailed.length > 0 ? detailed : (diffs ?? []).filter((path) => !path.startsWith("__"));
  if (paths.length === 0) return "";
  const shown = paths.toSorted().slice(0, 4);
  return `: ${shown.join(", ")}${paths.length > shown.length ? ` and ${paths.length - shown.length} more` : ""}`;
}

function unique(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.what}\n${finding.change}`, finding])).values()];
}
