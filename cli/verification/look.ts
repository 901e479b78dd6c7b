import { errorMessage } from "../../core/error.ts";
import { inClusterName } from "../../core/names.ts";
import type { RecordedJudgment } from "../../git/recorded-judgment.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError, UnreachableError } from "../../kubernetes/errors.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { environmentTitle, type DeliveryEnvironment } from "../project/environment.ts";
import type { HealthStatus } from "../promotion/health.ts";
import { readHealth, type HealthSource } from "../promotion/read-health.ts";
import { oneLine } from "../status/reading.ts";
import { answeringPods, assess, type Assessment } from "./assess.ts";
import { runChecks } from "./checks.ts";
import { readRolloutAnalysis } from "./rollout-analysis.ts";
import type { ServiceRules } from "./rules.ts";

/** One of the clusters on which an image has to prove itself. */
export interface AskedCluster {
  /** @default the environment has one */
  readonly name: string | undefined;
  readonly source: HealthSource;
}

/** An image that is looked at. */
export interface Target {
  readonly service: string;
  readonly digest: string;
  readonly sourceCommit: string | undefined;
  /** `undefined`: it was to prove something when it was released, and has nothing to prove any more. */
  readonly rules: ServiceRules | undefined;
  /** Whether somebody has named it, so that it is judged whatever its record says. */
  readonly again: boolean;
}

interface LookArgs {
  readonly environment: DeliveryEnvironment;
  readonly clusters: readonly AskedCluster[];
  readonly context: CommandContext;
}

/** What a look has found of an image. */
export interface Seen {
  readonly target: Target;
  readonly finding: Finding;
}

export type Finding = Assessment & { readonly judgment?: RecordedJudgment | undefined };

interface Look {
  readonly seen: readonly Seen[];
  /** Why those are not known that are missing; the verdicts of the others count all the same. @default all are there */
  readonly refusal?: CommandError;
}

/** One look at all clusters. What has failed on one has failed, whatever the others say, or whether they answer. */
export async function seenBy(args: LookArgs, open: readonly Target[], last: boolean): Promise<Look> {
  if (open.length === 0) return { seen: [] };
  const clusters = args.clusters.map((asked) => ({ asked, answer: answerOf(asked, open) }));
  const answers = await Promise.allSettled(clusters.map(({ answer }) => answer));
  // A command may take long and change something, so it is for the end, and not for each look until the last cluster is ready.
  const isHeld = (target: Target): boolean =>
    answers.every((one) => one.status === "fulfilled" && one.value.assessed.get(target)?.assessment.state === "held");
  const looks = await Promise.all(clusters.map((cluster) => seenOn(args, cluster, { open, isHeld, last })));
  const [first, ...others] = looks.flatMap(({ refusal }) => refusal ?? []);
  const seen = open.flatMap((target): Seen[] => {
    const findings = looks.flatMap((look) => look.seen.flatMap((one) => (one.target === target ? [one.finding] : [])));
    const finding = together(findings, args.clusters.length);
    return finding === undefined ? [] : [{ target, finding }];
  });
  if (first === undefined) return { seen };
  if (others.length === 0) return { seen, refusal: first };
  return { seen, refusal: new CommandError([first, ...others].map(({ message }) => message).join("\n")) };
}

/** What is found of an image on several clusters. @returns `undefined`: one of them has not answered */
function together(findings: readonly Finding[], clusters: number): Finding | undefined {
  const [first, ...others] = findings;
  const judgment = worstJudgment(findings.map((finding) => finding.judgment));
  const detailOf = (some: readonly Finding[]): string => some.map(({ detail }) => detail).join("; ");
  const failed = findings.filter(({ state }) => state === "failed");
  if (failed.length > 0) return { state: "failed", detail: detailOf(failed), judgment };
  if (findings.length < clusters || first === undefined) return undefined;
  if (others.length === 0) return first;
  const rollout = findings.filter(({ state }) => state === "rollout");
  if (rollout.length > 0) return { state: "rollout", detail: detailOf(rollout) };
  const holds = findings.flatMap((finding) => (finding.state === "hold" ? [finding] : []));
  if (holds.length === 0) return { state: "held", detail: detailOf(findings), judgment };
  return { state: "hold", detail: detailOf(holds), due: Math.max(...holds.map(({ due }) => due)) };
}

/** What a cluster says of each image. */
interface Answer {
  readonly client: KubernetesClient;
  readonly assessed: ReadonlyMap<Target, Assessed>;
}

interface Assessed {
  readonly status: HealthStatus;
  readonly assessment: Assessment;
}

async function answerOf({ source }: AskedCluster, open: readonly Target[]): Promise<Answer> {
  const client = source.cluster();
  const statusOf = await readHealth({ ...source, cluster: () => client });
  const assessed = open.map((target): [Target, Assessed] => {
    const status = statusOf(target.service);
    const { rules } = target;
    // It would wait for ever, and would not be promoted.
    if (rules === undefined)
      return [
        target,
        {
          status,
          assessment: { state: "held", detail: "the stack file says no more that it has to prove anything" },
        },
      ];
    return [target, { status, assessment: assess({ ...target, rules, status, now: Date.now() }) }];
  });
  return { client, assessed: new Map(assessed) };
}

interface LookAtCluster {
  readonly asked: AskedCluster;
  readonly answer: Promise<Answer>;
}

interface LookTargets {
  readonly open: readonly Target[];
  /** Whether an image has held on all clusters. */
  readonly isHeld: (target: Target) => boolean;
  /** Whether there will be no other look. */
  readonly last: boolean;
}

/**
 * One look at a cluster, and at what the checks say. A pod may answer a check as if the cluster refused it, and must not keep
 * other services from their verdicts.
 */
async function seenOn(
  args: LookArgs,
  { asked, answer }: LookAtCluster,
  { open, isHeld, last }: LookTargets,
): Promise<Look> {
  const { context } = args;
  const found = new Map<Target, Finding>();
  try {
    const { client, assessed } = await answer;
    const looks = [...assessed].map(async ([target, each]) => {
      found.set(target, await findingOf(args, asked, client, target, { ...each, withCommands: isHeld(target) }));
    });
    const failed = (await Promise.allSettled(looks)).find((look) => look.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return { seen: seenOf(open, found) };
  } catch (error) {
    if (context.signal.aborted)
      throw new CommandError("interrupted; what has no verdict yet has none, and the next `delivery verify` goes on");
    const refused = error instanceof ApiError && [401, 403].includes(error.status);
    const isTransient = error instanceof ApiError || error instanceof UnreachableError;
    const unseen = open.filter((target) => !found.has(target));
    if (last || refused || !isTransient) {
      const where = asked.name === undefined ? "" : ` on ${asked.name}`;
      const message = `${environmentTitle(args.environment)}${where} cannot be asked, so ${unseen.map(({ service }) => service).join(", ")} has no verdict yet: ${errorMessage(error)}`;
      return { seen: seenOf(open, found), refusal: new CommandError(message, { cause: error }) };
    }
    const away = `${asked.name === undefined ? "the cluster" : `the cluster ${asked.name}`} does not answer`;
    context.note(`${away}: ${oneLine(errorMessage(error))}`);
    for (const target of unseen) found.set(target, { state: "rollout", detail: away });
    return { seen: seenOf(open, found) };
  }
}

function seenOf(open: readonly Target[], found: ReadonlyMap<Target, Finding>): readonly Seen[] {
  return open.flatMap((target) => {
    const finding = found.get(target);
    return finding === undefined ? [] : [{ target, finding }];
  });
}

/** Whether nothing has brought a service to a cluster yet. */
function isUnknownToArgoCd({ argoCd, application, workload }: HealthStatus): boolean {
  return argoCd && application === undefined && workload === undefined;
}

interface AssessedForChecks extends Assessed {
  readonly withCommands: boolean;
}

/** What is found on a cluster says which one, where there are several. */
async function findingOf(
  args: LookArgs,
  cluster: AskedCluster,
  client: KubernetesClient,
  target: Target,
  assessed: AssessedForChecks,
): Promise<Finding> {
  const finding = await findingOn(args, cluster, client, target, assessed);
  if (cluster.name === undefined || target.rules === undefined) return finding;
  return { ...finding, detail: `${cluster.name}: ${finding.detail}` };
}

async function findingOn(
  { environment, context }: LookArgs,
  { name, source }: AskedCluster,
  client: KubernetesClient,
  target: Target,
  { status, assessment: finding, withCommands }: AssessedForChecks,
): Promise<Finding> {
  const { rules } = target;
  if (rules === undefined) return finding;
  // It would be waited for, and then be taken back on all clusters.
  if (name !== undefined && name !== inClusterName && isUnknownToArgoCd(status))
    throw new CommandError(
      `Argo CD has no Application of ${target.service} there; \`pulumi up\` makes those of a cluster that the stack file names (clusters)`,
    );
  // Its Rollout would count as one that is not there, and every image be taken back.
  const mayHaveRollout = rules.hasRollout ?? status.workload === undefined;
  if (mayHaveRollout && status.hiddenRollouts !== undefined) throw status.hiddenRollouts;
  if (finding.state === "rollout") return finding;
  const readAnalysis = () => readRolloutAnalysis(client, source.endpoints.namespace, status.workload, context.signal);
  if (finding.state === "failed") {
    const analysis = await readAnalysis();
    // It may have failed for another reason, such as pods that are never ready.
    if (analysis?.failed !== true) return finding;
    return { ...finding, detail: `${analysis.detail}; ${finding.detail}`, judgment: analysis.judgment };
  }
  const outcomes = await runChecks(
    rules.checks,
    {
      ...target,
      environment: environment.name,
      cluster: name,
      namespace: source.endpoints.namespace,
      port: rules.port,
      pods: answeringPods(status),
      client,
      context,
    },
    { withCommands },
  );
  const failed = outcomes.filter(({ passed }) => !passed);
  const judgment = worstJudgment(outcomes.map((outcome) => outcome.judgment));
  if (failed.length > 0) return { state: "failed", detail: failed.map(({ detail }) => detail).join("; "), judgment };
  if (finding.state === "hold") return finding;
  const analysis = await readAnalysis();
  // Who has promoted it in spite of its metrics knows why.
  const measured = analysis === undefined || analysis.failed ? undefined : analysis;
  const details = [finding, ...(measured === undefined ? [] : [measured]), ...outcomes].map(({ detail }) => detail);
  return { ...finding, detail: details.join("; "), judgment: worstJudgment([judgment, measured?.judgment]) };
}

/** Of several judgments, the worst one says most. */
function worstJudgment(judgments: readonly (RecordedJudgment | undefined)[]): RecordedJudgment | undefined {
  return judgments.flatMap((judgment) => judgment ?? []).toSorted((left, right) => left.score - right.score)[0];
}
