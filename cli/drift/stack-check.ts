import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { credentialsIn, redaction, textsOf } from "../preview/redaction.ts";
import { openCliStack } from "../pulumi/cli-stack.ts";
import { plainMessage, problemIn, resourceName } from "../pulumi/diagnostics.ts";
import { oneLine, reasonOf } from "../status/reading.ts";
import type { DriftSources } from "./collect.ts";
import { checkOf, type Check, type Finding } from "./report.ts";
import { stackStateOf } from "./stack-state.ts";

/** The stack for as long as the looks need it. What keeps it from being opened is told by each of them. */
export function openDriftStack(name: string): Pick<DriftSources, "state" | "stack"> & AsyncDisposable {
  const secrets: string[] = [];
  const opened = openCliStack(name, { onConfig: (values) => void secrets.push(...values) });
  // Whoever waits for it hears of the failure.
  opened.catch(() => undefined);
  return {
    state: async () => {
      const { stack } = await opened;
      return stackStateOf((await stack.exportStack()).deployment);
    },
    stack: async () => {
      const look = await stackCheck((await opened).stack);
      return withoutSecrets(look, [...secrets.flatMap(textsOf), ...credentialsIn(process.env)]);
    },
    [Symbol.asyncDispose]: async () => {
      const stack = await opened.catch(() => undefined);
      await stack?.[Symbol.asyncDispose]();
    },
  };
}

/** The engine hides the secrets that it knows; what a provider says of a failure may repeat one. */
function withoutSecrets({ findings, reason, ...same }: Check, secrets: readonly string[]): Check {
  const { text } = redaction(secrets);
  return {
    ...same,
    reason: reason === null ? null : text(reason),
    findings: findings.map(({ what, change }) => ({ what: text(what), change: text(change) })),
  };
}

/** What the engine finds when it only looks: resources that are other than in the state, then what an update would change. */
export async function stackCheck(stack: Pick<Stack, "previewRefresh" | "preview">): Promise<Check> {
  const refresh = await runEngine((onEvent) => stack.previewRefresh({ onEvent, suppressProgress: true }));
  const preview = await runEngine((onEvent) => stack.preview({ onEvent, suppressProgress: true }));
  return stackFindings(refresh, preview);
}

/** What one run of the engine has said. */
interface EngineRun {
  readonly events: readonly unknown[];
  /** Why it did not come to an end. */
  readonly failure?: string | undefined;
}

async function runEngine(operation: (onEvent: (event: EngineEvent) => void) => Promise<unknown>): Promise<EngineRun> {
  const events: EngineEvent[] = [];
  try {
    await operation((event) => void events.push(event));
    return { events };
  } catch (error) {
    return { events, failure: reasonOf(error) };
  }
}

const eventSchema = z.object({
  resOutputsEvent: z
    .object({
      metadata: z.object({
        op: z.string(),
        urn: z.string(),
        type: z.string(),
        new: z.object({ custom: z.boolean().default(false) }).nullish(),
        old: z.object({ custom: z.boolean().default(false) }).nullish(),
        diffs: z.array(z.string()).nullish(),
        detailedDiff: z.record(z.string(), z.unknown()).nullish(),
      }),
    })
    .optional(),
  diagnosticEvent: z.object({ severity: z.string(), message: z.string(), urn: z.string().optional() }).optional(),
});
type Event = z.infer<typeof eventSchema>;
type Step = NonNullable<Event["resOutputsEvent"]>["metadata"];
type Diagnostic = NonNullable<Event["diagnosticEvent"]>;

export function stackFindings(refresh: EngineRun, preview: EngineRun): Check {
  const live = read(refresh, isGone);
  // What is not found there is what the program has asked for: nothing is known to be gone.
  const declared = read(preview, () => false);
  const findings = [
    ...live.steps.map((step) => ({ what: resourceName(step.urn), change: liveChange(step) })),
    ...live.gone.map((urn) => ({ what: resourceName(urn), change: goneChange })),
    ...declared.steps.map((step) => ({ what: resourceName(step.urn), change: declaredChange(step) })),
  ];
  const reasons = [
    ...live.problems.map((problem) => `refresh: ${problem}`),
    ...declared.problems.map((problem) => `preview: ${problem}`),
  ];
  return checkOf("stack", unique(findings), reasons.length === 0 ? null : reasons.join("; "));
}

interface Reading {
  readonly steps: readonly Step[];
  /** The URNs of what is gone so that it cannot even be read. */
  readonly gone: readonly string[];
  readonly problems: readonly string[];
}

/** @param means whether an error only says that a resource is gone */
function read({ events, failure }: EngineRun, means: (diagnostic: Diagnostic) => boolean): Reading {
  const known = events.map((event) => eventSchema.parse(event));
  const steps = known.flatMap(({ resOutputsEvent }) =>
    resOutputsEvent !== undefined && isChange(resOutputsEvent.metadata) ? [resOutputsEvent.metadata] : [],
  );
  const errors = known.flatMap(({ diagnosticEvent: one }) => (one?.severity === "error" ? [one] : []));
  const gone = errors.filter(means).flatMap(({ urn }) => urn ?? []);
  const problems = errors
    .filter((error) => !means(error))
    .flatMap((diagnosticEvent) => problemIn({ diagnosticEvent }) ?? []);
  return {
    steps,
    gone,
    // The engine also fails because of what is gone, and because of problems that are told by themselves.
    problems: [
      ...new Set(
        (problems.length + gone.length === 0 && failure !== undefined ? [failure] : problems).map((text) =>
          oneLine(text),
        ),
      ),
    ],
  };
}

/** Components and the stack itself are only what they hold. */
function isChange({ op, old, new: now }: Step): boolean {
  return !["same", "read", "refresh"].includes(op) && (now ?? old)?.custom === true;
}

/**
 * Whether a refresh has failed of a resource that is not there any more. CircleCI's provider, unlike others, has no word for a
 * context that is gone; of other providers the same words may mean a host, a repository or a webhook.
 */
function isGone(diagnostic: Diagnostic): boolean {
  const [, , types = ""] = diagnostic.urn?.split("::") ?? [];
  const isCircleCi = types.split("$").at(-1)?.startsWith("circleci:") === true;
  return isCircleCi && /\b404\b|(?<!host )not found/i.test(plainMessage(diagnostic));
}

const goneChange = "is gone, which fails every refresh of the stack until it is made anew, or deleted from the state";

function liveChange(step: Step): string {
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
function declaredChange(step: Step): string {
  const op = /replace/.test(step.op) ? "replace" : step.op;
  return `${operations[op] ?? op} by \`pulumi up\`${op === "update" || op === "replace" ? differingPaths(step) : ""}`;
}

/** The places that differ; never their values, which may be secret. */
function differingPaths({ detailedDiff, diffs }: Step): string {
  const places = Object.keys(detailedDiff ?? {}).filter((location) => !location.startsWith("__"));
  const named = places.length > 0 ? places : (diffs ?? []).filter((location) => !location.startsWith("__"));
  if (named.length === 0) return "";
  const shown = named.toSorted().slice(0, 4);
  return `: ${shown.join(", ")}${named.length > shown.length ? ` and ${named.length - shown.length} more` : ""}`;
}

function unique(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [`${finding.what}\n${finding.change}`, finding])).values()];
}
