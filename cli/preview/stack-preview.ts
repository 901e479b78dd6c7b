import { about, plainMessage, problemsIn, resourceName } from "../pulumi/diagnostics.ts";
import { engineEventSchema, type EngineEvent } from "../pulumi/engine-run.ts";
import { secretWord } from "../../core/secret-mask.ts";
import { fileChanges, manifestsOf } from "./manifest-diff.ts";
import { installationChanges, installationOf, type InstallationChange } from "./installation-changes.ts";
import type { Loss, PolicyViolation, PropertyChanges, ResourceChange, StackPreview } from "./model.ts";
import { placeholderServer } from "./placeholders.ts";
import { checkStackPolicies, type PolicyRules } from "./policy-check.ts";
import { serviceChanges, type ImageStatus } from "./service-changes.ts";
import { categoryOf, kindOf, readStep, shown, valueAt, type Difference, type Step } from "./step.ts";

export interface PreviewInput {
  readonly stack: string;
  readonly forkSafe: boolean;
  readonly limits: readonly string[];
  /** Why the engine's run failed, where none of its events says so. */
  readonly failure?: string | undefined;
  /** The services that nothing tests, as they say. */
  readonly untested: readonly string[];
  /** What is known of images from outside of the stack. */
  readonly images: ImageStatus;
  /** The rules that are asked about what is declared. */
  readonly policies: PolicyRules;
}

/**
 * What the events of a preview say.
 * @param raw the engine's events, in their order, free of secrets
 */
export function stackPreview(raw: readonly unknown[], input: PreviewInput): StackPreview {
  const events = raw.map((event) => engineEventSchema.parse(event));
  const steps = events
    .flatMap(({ resourcePreEvent }) => (resourcePreEvent === undefined ? [] : [readStep(resourcePreEvent.metadata)]))
    .filter((step) => step !== undefined);
  const changed = steps.filter((step) => isChange(step, input.forkSafe));
  const manifests = manifestsOf(steps);
  const services = serviceChanges(steps, changed, manifests, input.images);
  const { sums, rest } = installationChanges(changed);
  const checked = checkStackPolicies(steps, input.policies);
  return {
    stack: input.stack,
    forkSafe: input.forkSafe,
    limits: input.limits,
    errors: unique([
      ...problemsIn(events).map(withoutMachine),
      ...(input.failure === undefined ? [] : [input.failure]),
      ...checked.errors,
    ]),
    policies: [...events.flatMap(policyIn), ...checked.policies],
    warnings: unique(events.flatMap((event) => warningIn(event) ?? [])).filter(
      // The limits of a fork-safe preview name the cluster already.
      (warning) => !input.forkSafe || !warning.includes(placeholderServer),
    ),
    losses: [
      ...rest.filter((step) => !(isRun(step) && services.reported.has(step.urn))).flatMap(lossOf),
      ...sums.flatMap(summedLoss),
    ],
    services: services.changed,
    unchanged: services.unchanged,
    untested: input.untested,
    builds: services.builds,
    others: [
      ...rest.filter((step) => !services.reported.has(step.urn)).flatMap(resourceChange),
      ...sums.flatMap(summedChange),
    ],
    files: fileChanges(manifests),
    properties: changed.flatMap(propertiesOf),
    counts: countsOf(steps, changed),
  };
}

/**
 * Whether a step counts. A component has no state of its own; its children are counted instead. A fork-safe preview has
 * placeholders for secrets, and for the credentials of providers.
 */
function isChange(step: Step, forkSafe: boolean): boolean {
  if (!step.custom || step.action === "same" || step.action === "read") return false;
  if (step.action === "create") return !step.type.startsWith("pulumi:providers:");
  if (step.action !== "update") return true;
  // The engine's default providers change with the versions of their packages.
  const provider = step.type.startsWith("pulumi:providers:");
  if (provider && (forkSafe || step.name.startsWith("default"))) return false;
  return !forkSafe || step.changes.length === 0 || !step.changes.every(isSecret);
}

function isSecret({ before, after }: Difference): boolean {
  return before === secretWord || after === secretWord;
}

/** Whether a Job is replaced: that is how it runs once more, which the line of its service says, and nothing is lost. */
function isRun(step: Step): boolean {
  return step.action === "replace" && step.type === "kubernetes:batch/v1:Job";
}

function lossOf(step: Step): Loss[] {
  if (step.action !== "replace" && step.action !== "delete") return [];
  // What stays on the cluster is not lost; of data, the line of the service says so.
  if (step.action === "delete" && step.kept === true) return [];
  const reasons = step.changes.filter(({ replaces }) => replaces).map(describe);
  return [{ action: step.action, kind: kindOf(step), name: step.name, area: categoryOf(step), reasons }];
}

function summedLoss({ action, kind, name, area, steps }: InstallationChange): Loss[] {
  if (action !== "replace" && action !== "delete") return [];
  return [{ action, kind, name, area, reasons: unique(steps.flatMap(lossOf).flatMap(({ reasons }) => reasons)) }];
}

function summedChange({ action, kind, name, area, parts }: InstallationChange): ResourceChange[] {
  return action === "create" || action === "update" || action === "import"
    ? [{ area, action, kind, name, changes: parts }]
    : [];
}

function resourceChange(step: Step): ResourceChange[] {
  // Replacements and deletions are listed in a section of their own.
  const { action } = step;
  if (action !== "create" && action !== "update" && action !== "import") return [];
  const changes = unique(step.changes.map(({ path }) => pathText(path)));
  if (categoryOf(step) !== "Deploy repository")
    return [{ area: categoryOf(step), action, kind: kindOf(step), name: step.name, changes }];
  // Its files are shown one by one. The release commands write the records that are there already.
  const own = unique(step.changes.filter(isWritten(step)).map(({ path }) => path[0] ?? ""));
  const isIdle = action === "update" && own.length === 0;
  return isIdle ? [] : [{ area: categoryOf(step), action, kind: kindOf(step), name: step.name, changes: own }];
}

function isWritten({ before }: Step): (change: Difference) => boolean {
  return ({ path }) => path[0] !== "records" || valueAt(before, path) === undefined;
}

function propertiesOf(step: Step): PropertyChanges[] {
  const shownElsewhere = categoryOf(step) === "Deploy repository" ? ["files", "records"] : [];
  const lines = step.changes.filter(({ path }) => !shownElsewhere.includes(path[0] ?? "")).map(describe);
  // A new release changes hundreds of properties of its definitions, which say nothing to a reviewer.
  const most = installationOf(step) === undefined ? Infinity : mostInstalledLines;
  const more = lines.length > most ? [`… and ${lines.length - most} more`] : [];
  return lines.length === 0 ? [] : [{ kind: kindOf(step), name: step.name, lines: [...lines.slice(0, most), ...more] }];
}

/** Properties of one object of an installation. */
const mostInstalledLines = 10;

function describe(change: Difference): string {
  const location = pathText(change.path);
  if (isSecret(change)) return `${location}: another secret`;
  return `${location}: ${shown(change.before)} → ${shown(change.after)}`;
}

/** `spec`, `containers`, `0`, `a.b` → `spec.containers[0]["a.b"]`. */
function pathText(path: readonly string[]): string {
  return path
    .map((key, index) => {
      if (/^\d+$/.test(key)) return `[${key}]`;
      if (/[.[\]"/]/.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join("");
}

function warningIn({ diagnosticEvent }: EngineEvent): string | undefined {
  if (diagnosticEvent?.severity !== "warning") return undefined;
  return withoutMachine(`${about(diagnosticEvent.urn)}${plainMessage(diagnosticEvent)}`);
}

function policyIn({ policyEvent }: EngineEvent): PolicyViolation[] {
  if (policyEvent === undefined) return [];
  const { policyName, enforcementLevel, resourceUrn } = policyEvent;
  return [
    {
      policy: policyName,
      mandatory: enforcementLevel === "mandatory",
      service: "",
      resource: resourceName(resourceUrn),
      file: "",
      message: withoutMachine(plainMessage(policyEvent)),
    },
  ];
}

/** Without the stack of an exception and the path of the checkout: neither says anything to a reviewer. */
function withoutMachine(message: string): string {
  const lines = message.split("\n").filter((line) => !/^\s+at .*[):]/.test(line));
  return lines.join("\n").trim().replaceAll(`${process.cwd()}/`, "");
}

function countsOf(steps: readonly Step[], changed: readonly Step[]): Record<string, number> {
  const all = steps.filter(({ custom }) => custom);
  const actions = changed.map(({ action }): string => action);
  const counted = [...new Set(actions)].map((action) => [action, actions.filter((other) => other === action).length]);
  return Object.fromEntries([...counted, ["same", all.length - changed.length]]);
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}
