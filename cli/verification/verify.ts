import { setTimeout as sleep } from "node:timers/promises";
import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, shortDigest } from "../../git/records.ts";
import { isOpen } from "../../git/verdicts.ts";
import { CommandError, type CommandContext } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Registry } from "../registry/client.ts";
import { seenBy, type AskedCluster, type Seen, type Target } from "./look.ts";
import { elsewhere, verdictOf, writeVerdicts, type Outcome } from "./outcome.ts";
import type { ServiceRules } from "./rules.ts";
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

export interface Verified {
  /** By service; those that were asked and have no verdict yet are there, too. */
  readonly verified: readonly VerifiedService[];
  /** Why some of them have none: a cluster refuses, or does not answer. The verdicts of the others count. @default all answer */
  readonly refusal?: CommandError;
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
  /** Where the images are looked for that run again in place of what has failed. @default nobody is asked */
  readonly registry: Registry | undefined;
  readonly context: CommandContext;
}

/** The longest pause between two looks, and the shortest one after a change on the cluster, in milliseconds. */
const longestPause = 10_000;
const shortestPause = 250;
/** How often people and CI are told that it still waits, in milliseconds. */
const heartbeat = 60_000;

/**
 * Waits until the images of an environment have proved themselves, and takes back those that do not. Where a cluster refuses, or
 * does not answer until the end, what is not known then waits for the next look.
 * @throws CommandError where a service has nothing to prove, and where it is interrupted
 */
export async function verify(args: VerifyArgs): Promise<Verified> {
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
    const written = await writeVerdicts(environment, judged, { registry: args.registry, note: context.note });
    const outcomes = open.flatMap((target): VerifiedService[] => {
      const outcome = written.get(target.service);
      return outcome === undefined ? [] : [{ ...target, wave, outcome }];
    });
    done.push(...outcomes);
    open = open.filter(({ service }) => !written.has(service));
    if (refusal !== undefined) {
      const left = open.map((target): VerifiedService => {
        const detail = seen.find((one) => one.target === target)?.finding.detail ?? refusal.message;
        return { ...target, wave, outcome: { state: "pending", detail } };
      });
      return { verified: byService([...done, ...left]), refusal };
    }
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
  return { verified: byService(done) };
}

function byService(services: readonly VerifiedService[]): readonly VerifiedService[] {
  return services.toSorted((one, other) => one.service.localeCompare(other.service));
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
