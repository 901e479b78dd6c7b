import { shortDigest } from "../../git/records.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import type { ImageKind } from "./scenario.ts";

/** An image that a run has released. */
export interface RunImage {
  readonly digest: string;
  readonly kind: ImageKind;
  /** The commit of the monorepo. */
  readonly commit: string;
}

/** What a run of `delivery verify` has said of an image. */
export interface Statement {
  readonly digest: string;
  readonly state: "passed" | "failed" | "pending" | "superseded";
}

/** What the cluster says of the service. */
export interface ClusterFacts {
  /** The image of its Deployment or Rollout, by digest. */
  readonly digest: string;
  readonly health: string;
  readonly pods: readonly { readonly name: string; readonly digest: string; readonly ready: boolean }[];
  readonly replicas: number;
  /** What Argo CD says, e.g. `Synced`, `Healthy`. */
  readonly sync: string;
  readonly argoCdHealth: string;
}

/** What Git, the cluster, GitHub and the waiters say of one service when nothing is to change any more. */
export interface Facts {
  /** In any order. */
  readonly images: readonly RunImage[];
  /** What its record has said, commit by commit: the first one is that of before the run, whose image has proved itself. */
  readonly records: readonly ReleaseRecord[];
  readonly cluster: ClusterFacts;
  /** By commit of the monorepo, the state of its newest status. */
  readonly statuses: ReadonlyMap<string, string>;
  readonly statements: readonly Statement[];
}

/** What a good image may be taken back for all the same: the run has kept it from being well in time. */
const tooLate = /^after [\d.]+ minutes/;

/** Where they do not agree, or not with what the images are; empty where all is right. */
export function disagreements(facts: Facts): string[] {
  const [before] = facts.records;
  const last = facts.records.at(-1);
  if (before?.image === undefined || last?.image === undefined) return ["Git: the record names no image"];
  return [
    ...ofTheEnd(facts, before, last),
    ...ofVerdicts(facts),
    ...ofTheCluster(facts.cluster, last.image.digest),
    ...ofStatuses(facts),
    ...ofStatements(facts),
  ];
}

/** What runs in the end is the newest release, if that is good, and else the newest that has proved itself. */
function ofTheEnd({ images, records }: Facts, before: ReleaseRecord, last: ReleaseRecord): string[] {
  const digest = last.image?.digest ?? "";
  if (last.verification?.state === "pending") return [`Git: ${shortDigest(digest)} still waits for a verdict`];
  const newest = newestRelease(images, records);
  if (newest === undefined) return [];
  const reason = last.rejected?.digest === newest.digest ? last.rejected.reason : undefined;
  if (isGood(newest) && reason === undefined)
    return digest === newest.digest
      ? []
      : [`Git: runs ${shortDigest(digest)} in place of ${shortDigest(newest.digest)}`];
  if (reason === undefined) return [`Git: ${shortDigest(newest.digest)}, ${newest.kind}, is not rejected`];
  const proved = records.filter(
    ({ image, verification }) => image?.digest === before.image?.digest || verification?.state === "passed",
  );
  const expected = proved.filter(({ image }) => image?.digest !== newest.digest).at(-1)?.image?.digest ?? "";
  return digest === expected ? [] : [`Git: went back to ${shortDigest(digest)} in place of ${shortDigest(expected)}`];
}

/** By the order of their first commits to the record: two that are made at the same time may come in any. */
function newestRelease(images: readonly RunImage[], records: readonly ReleaseRecord[]): RunImage | undefined {
  const first = (digest: string): number => records.findIndex(({ image }) => image?.digest === digest);
  return images
    .filter(({ digest }) => first(digest) >= 0)
    .toSorted((one, other) => first(one.digest) - first(other.digest))
    .at(-1);
}

function isGood({ kind }: RunImage): boolean {
  return kind === "good" || kind === "slow";
}

/** No verdict of the whole run is wrong, and nothing comes back that was rejected. */
function ofVerdicts({ images, records }: Facts): string[] {
  return images.flatMap((image) => {
    const name = `${shortDigest(image.digest)}, ${image.kind},`;
    const about = records.filter((record) => record.image?.digest === image.digest);
    const failed = records.findIndex((record) => record.rejected?.digest === image.digest);
    const reason = records[failed]?.rejected?.reason ?? "";
    return [
      ...(!isGood(image) && about.some(({ verification }) => verification?.state === "passed")
        ? [`verdict: ${name} has passed`]
        : []),
      ...(isGood(image) && failed >= 0 && !tooLate.test(reason) ? [`verdict: ${name} has failed: ${reason}`] : []),
      ...(failed >= 0 && records.slice(failed).some((record) => record.image?.digest === image.digest)
        ? [`Git: ${name} came back after it was rejected`]
        : []),
    ];
  });
}

function ofTheCluster(
  { digest, health, pods, replicas, sync, argoCdHealth }: ClusterFacts,
  released: string,
): string[] {
  const bad = pods.filter((pod) => pod.digest !== released || !pod.ready);
  return [
    ...(digest === released ? [] : [`cluster: is to run ${shortDigest(digest)}, Git ${shortDigest(released)}`]),
    ...bad.map((pod) => `cluster: ${pod.name} ${pod.ready ? "runs" : "is not ready with"} ${shortDigest(pod.digest)}`),
    ...(pods.length === replicas ? [] : [`cluster: ${pods.length} of ${replicas} pods`]),
    ...(health === "Healthy" ? [] : [`cluster: is ${health}`]),
    ...(sync === "Synced" && argoCdHealth === "Healthy" ? [] : [`Argo CD: is ${sync} and ${argoCdHealth}`]),
  ];
}

/** What came of an image, as Git says. */
function verdictOf(digest: string, records: readonly ReleaseRecord[]): "success" | "failure" | undefined {
  if (records.some(({ rejected }) => rejected?.digest === digest)) return "failure";
  const passed = records.some(
    ({ image, verification }) => image?.digest === digest && verification?.state === "passed",
  );
  return passed ? "success" : undefined;
}

/** The status of a commit is what came of its image; of one that was superseded nothing waits any more. */
function ofStatuses({ images, records, statuses }: Facts): string[] {
  return images.flatMap(({ digest, kind, commit }) => {
    const found = statuses.get(commit);
    const expected = verdictOf(digest, records);
    if (expected === undefined ? found !== "pending" : found === expected) return [];
    return [
      `GitHub: ${shortDigest(digest)}, ${kind}, is ${found ?? "not told of"} in place of ${expected ?? "superseded"}`,
    ];
  });
}

function ofStatements({ records, statements }: Facts): string[] {
  const wrong = statements.filter(({ digest, state }) => {
    const verdict = verdictOf(digest, records);
    if (state === "passed") return verdict !== "success";
    return state === "failed" && verdict !== "failure";
  });
  return wrong.map(({ digest, state }) => `waiter: says that ${shortDigest(digest)} has ${state}, Git does not`);
}
