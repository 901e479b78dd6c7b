import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../core/error.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, shortDigest, type Records } from "../../git/records.ts";
import type { RecordedJudgment } from "../../git/recorded-judgment.ts";
import { commitVerdicts, isOpen, type Verdict } from "../../git/verdicts.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError, UnreachableError } from "../../kubernetes/errors.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { environmentTitle, type DeliveryEnvironment } from "../project/environment.ts";
import type { HealthStatus } from "../promotion/health.ts";
import { readHealth, type HealthSource } from "../promotion/read-health.ts";
import { oneLine } from "../status/reading.ts";
import { answeringPods, assess, type Assessment } from "./assess.ts";
import { runChecks } from "./checks.ts";
import type { ServiceRules } from "./rules.ts";
import { takeBack } from "./take-back.ts";
import { WorkloadChanges } from "./workload-changes.ts";

// An image that has to prove itself is marked as pending in its release record, by the commit that releases it. Whoever looks
// finds all that it needs there and on the cluster, so that it does not matter which of several waiters is killed, and when. A
// verdict is written only where the record still has the image and waits for one: of two waiters the first one's counts, and one
// whose image has been followed by another writes nothing.

/** What has come of one image. */
export interface VerifiedService {
  readonly service: string;
  readonly digest: string;
  readonly sourceCommit?: string | undefined;
  /** The wave of clusters. @default the environment has one */
  readonly wave?: number | undefined;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly state: "passed"; readonly evidence: string }
  /** @param back what runs in its place; `null`: it stays, for the reason given */
  | { readonly state: "failed"; readonly evidence: string; readonly back: string | null; readonly stays?: string }
  /** It has no verdict yet, and waits for no job: whoever looks next goes on. */
  | { readonly state: "pending"; readonly detail: string }
  | { readonly state: "superseded"; readonly detail: string };

/** One of the clusters on which an image has to prove itself. */
export interface AskedCluster {
  /** @default the environment has one */
  readonly name: string | undefined;
  readonly source: HealthSource;
}

interface VerifyArgs {
  readonly environment: DeliveryEnvironment;
  /** It has to on all of them. */
  readonly clusters: readonly [AskedCluster, ...AskedCluster[]];
  readonly rulesOf: (service: string) => ServiceRules | undefined;
  /** Those to ask, whatever their records say. @default all that wait for a verdict */
  readonly services: readonly string[] | undefined;
  /** How long to wait for verdicts, in milliseconds. */
  readonly wait: number;
  /** The job that this is, for whoever wants to look it up. @default it is none */
  readonly link: string | undefined;
  readonly context: CommandContext;
}

/** The longest pause between two looks, and the shortest one after a change on the cluster, in milliseconds. */
const longestPause = 10_000;
const shortestPause = 250;
/** How often people and CI are told that it still waits, in milliseconds. */
const heartbeat = 60_000;

interface Target {
  readonly service: string;
  readonly digest: string;
  readonly sourceCommit: string | undefined;
  /** `undefined`: it was to prove something when it was released, and has nothing to prove any more. */
  readonly rules: ServiceRules | undefined;
  /** Whether somebody has named it, so that it is judged whatever its record says. */
  readonly again: boolean;
}

/**
 * Waits until the images of an environment have proved themselves, and takes back those that do not.
 * @returns what has come of them, by service
 * @throws CommandError where the cluster refuses, or does not answer until the end: then these images wait for the next look
 */
export async function verify(args: VerifyArgs): Promise<readonly VerifiedService[]> {
  const { environment, wait, context } = args;
  const wave = environment.wave?.number;
  const deadline = Date.now() + wait;
  const done: VerifiedService[] = [];
  let open = await targets(args);
  const told = new Map<string, { readonly text: string; readonly at: number }>();
  using stack = new DisposableStack();
  const changes =
    wait > 0 && open.length > 0
      ? stack.use(
          new WorkloadChanges(
            args.clusters.map(({ source: { cluster, endpoints } }) => ({
              client: cluster,
              namespace: endpoints.namespace,
            })),
            new Set(open.map(({ service }) => service)),
          ),
        )
      : undefined;
  for (let look = 0; open.length > 0; look++) {
    // Also what changes during the look counts.
    const change = changes?.next;
    const records = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
    const moved = open.filter((target) => !isOpen(target, records.get(target.service)));
    done.push(...moved.map((target) => ({ ...target, wave, outcome: elsewhere(target, records) })));
    open = open.filter((target) => !moved.includes(target));
    const { seen, refusal } = await seenBy(args, open, Date.now() >= deadline);
    const judged = seen.flatMap(({ target, finding }) =>
      finding.state === "held" || finding.state === "failed" ? [verdictOf(target, finding, args.link)] : [],
    );
    const written = await writeVerdicts(environment, judged);
    const outcomes = open.flatMap((target): VerifiedService[] => {
      const outcome = written.get(target.service);
      return outcome === undefined ? [] : [{ ...target, wave, outcome }];
    });
    done.push(...outcomes);
    if (refusal !== undefined) throw refusal;
    open = open.filter(({ service }) => !written.has(service));
    const now = Date.now();
    const waiting = seen.filter(({ target }) => open.includes(target));
    // What cannot be over in time is left to whoever looks next, so that no job is paid for waiting.
    const late = waiting.filter(
      ({ finding }) =>
        (finding.state === "rollout" && now >= deadline) || (finding.state === "hold" && finding.due > deadline),
    );
    done.push(
      ...late.map(({ target, finding }) => ({
        ...target,
        wave,
        outcome: { state: "pending" as const, detail: finding.detail },
      })),
    );
    const left = waiting.filter((one) => !late.includes(one));
    open = left.map(({ target }) => target);
    for (const { target, finding } of left) {
      const before = told.get(target.service);
      if (before?.text === finding.detail && now - before.at < heartbeat) continue;
      told.set(target.service, { text: finding.detail, at: now });
      context.note(`${target.service} ${shortDigest(target.digest)}: ${finding.detail}`);
    }
    if (open.length > 0) await pause({ look, left, deadline, change, signal: context.signal });
  }
  return done.toSorted((one, other) => one.service.localeCompare(other.service));
}

async function targets({ environment, services, rulesOf }: VerifyArgs): Promise<readonly Target[]> {
  const records = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  const again = services !== undefined;
  const asked = again
    ? services
    : [...records].flatMap(([service, { verification }]) => (verification?.state === "pending" ? [service] : []));
  return asked.flatMap((service): Target[] => {
    const { image, sourceCommit } = records.get(service) ?? {};
    const rules = rulesOf(service);
    if (image === undefined) throw new CommandError(`${environment.name} runs nothing of ${service}; release it first`);
    if (rules === undefined && again)
      throw new CommandError(
        `nothing says what ${service} has to prove in ${environment.name}; set verify in its stack file`,
      );
    return [{ service, digest: image.digest, sourceCommit, rules, again }];
  });
}

/** What the record says that is no longer open. */
function elsewhere({ service, digest }: Target, records: Records): Outcome {
  const { verification, rejected, image } = records.get(service) ?? {};
  if (rejected?.digest === digest)
    return { state: "failed", evidence: rejected.reason ?? "it was taken back meanwhile", back: image?.digest ?? null };
  if (image?.digest === digest && verification?.state === "passed")
    return { state: "passed", evidence: verification.evidence };
  if (image?.digest === digest && verification?.state === "failed")
    return { state: "failed", evidence: verification.evidence, back: null };
  return {
    state: "superseded",
    detail: image === undefined ? "its record is gone" : `superseded by ${shortDigest(image.digest)}`,
  };
}

interface Seen {
  readonly target: Target;
  readonly finding: Finding;
}

type Finding = Assessment & { readonly judgment?: RecordedJudgment | undefined };

interface Look {
  readonly seen: readonly Seen[];
  /** Why those are not known that are missing; the verdicts of the others count all the same. @default all are there */
  readonly refusal?: CommandError;
}

/** One look at all clusters. What has failed on one has failed, whatever the others say, or whether they answer. */
async function seenBy(args: VerifyArgs, open: readonly Target[], last: boolean): Promise<Look> {
  if (open.length === 0) return { seen: [] };
  const looks = await Promise.all(args.clusters.map((cluster) => seenOn(args, cluster, open, last)));
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

/**
 * One look at a cluster, and at what the checks say. A pod may answer a check as if the cluster refused it, and must not keep
 * other services from their verdicts.
 * @param last whether there will be no other look
 */
async function seenOn(args: VerifyArgs, asked: AskedCluster, open: readonly Target[], last: boolean): Promise<Look> {
  const { context } = args;
  const { source } = asked;
  const found = new Map<Target, Finding>();
  try {
    const client = source.cluster();
    const statusOf = await readHealth({ ...source, cluster: () => client });
    const looks = open.map(async (target) => {
      found.set(target, await findingOf(args, asked, client, target, statusOf(target.service)));
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

/** What is found on a cluster says which one, where there are several. */
async function findingOf(
  args: VerifyArgs,
  cluster: AskedCluster,
  client: KubernetesClient,
  target: Target,
  status: HealthStatus,
): Promise<Finding> {
  const finding = await findingOn(args, cluster, client, target, status);
  if (cluster.name === undefined || target.rules === undefined) return finding;
  return { ...finding, detail: `${cluster.name}: ${finding.detail}` };
}

async function findingOn(
  { environment, context }: VerifyArgs,
  { name, source }: AskedCluster,
  client: KubernetesClient,
  target: Target,
  status: HealthStatus,
): Promise<Finding> {
  const { rules } = target;
  // It would wait for ever, and would not be promoted.
  if (rules === undefined)
    return { state: "held", detail: "the stack file says no more that it has to prove anything" };
  const finding = assess({ ...target, rules, status, now: Date.now() });
  if (finding.state !== "hold" && finding.state !== "held") return finding;
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
    { withCommands: finding.state === "held" },
  );
  const failed = outcomes.filter(({ passed }) => !passed);
  const judgment = worstJudgment(outcomes.map((outcome) => outcome.judgment));
  if (failed.length > 0) return { state: "failed", detail: failed.map(({ detail }) => detail).join("; "), judgment };
  if (finding.state === "hold") return finding;
  return { ...finding, detail: [finding.detail, ...outcomes.map(({ detail }) => detail)].join("; "), judgment };
}

/** Of several judgments, the worst one says most. */
function worstJudgment(judgments: readonly (RecordedJudgment | undefined)[]): RecordedJudgment | undefined {
  return judgments.flatMap((judgment) => judgment ?? []).toSorted((left, right) => left.score - right.score)[0];
}

function verdictOf(
  { service, digest, again }: Target,
  { state, detail, judgment }: Finding,
  link: string | undefined,
): Verdict {
  const evidence = oneLine(detail);
  const at = new Date().toISOString();
  return {
    service,
    digest,
    again,
    verification: { state: state === "held" ? "passed" : "failed", at, evidence, link, judgment },
  };
}

/** Those that have failed are taken back one by one, each by a commit of its own, and what has passed is noted by one. */
async function writeVerdicts(
  environment: DeliveryEnvironment,
  verdicts: readonly Verdict[],
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const noted = verdicts.filter(({ verification }) => verification.state === "passed");
  for (const verdict of verdicts.filter(({ verification }) => verification.state === "failed")) {
    const back = await takeBack(environment, verdict);
    const { evidence } = verdict.verification;
    if (back.state === "taken back") outcomes.set(verdict.service, { state: "failed", evidence, back: back.to });
    if (back.state !== "stays") continue;
    outcomes.set(verdict.service, { state: "failed", evidence, back: null, stays: back.reason });
    noted.push(verdict);
  }
  if (noted.length === 0) return outcomes;
  const written = await commitVerdicts({
    ...environment,
    verdicts: noted,
    subject: (all) =>
      `verify(${environmentTitle(environment)}): ${all.map(({ service, verification }) => `${service} ${verification.state}`).join(", ")}`,
  });
  for (const { service, verification } of noted) {
    if (written.every((other) => other.service !== service)) outcomes.delete(service);
    else if (verification.state === "passed")
      outcomes.set(service, { state: "passed", evidence: verification.evidence });
  }
  return outcomes;
}

interface Pause {
  /** How many looks there were before. */
  readonly look: number;
  readonly left: readonly Seen[];
  readonly deadline: number;
  /** Ends it early. */
  readonly change: Promise<void> | undefined;
  readonly signal: AbortSignal;
}

async function pause({ look, left, deadline, change, signal }: Pause): Promise<void> {
  const now = Date.now();
  const due = left.flatMap(({ finding }) => (finding.state === "hold" ? [finding.due - now] : []));
  const length = Math.max(0, Math.min(longestPause, 500 * 1.5 ** look, deadline - now, ...due));
  const shortest = Math.min(length, shortestPause);
  const over = new AbortController();
  try {
    const ended = AbortSignal.any([signal, over.signal]);
    const changed = change?.then(() => sleep(shortest, undefined, { signal: ended }));
    // Whichever comes later is ended with the other.
    changed?.catch(() => undefined);
    await Promise.race([sleep(length, undefined, { signal: ended }), ...(changed === undefined ? [] : [changed])]);
  } catch {
    throw new CommandError("interrupted; what has no verdict yet has none, and the next `delivery verify` goes on");
  } finally {
    over.abort();
  }
}
