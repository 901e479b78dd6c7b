import { shortDigest, type Records } from "../../git/records.ts";
import type { RecordedJudgment } from "../../git/recorded-judgment.ts";
import { commitVerdicts, type Verdict } from "../../git/verdicts.ts";
import { environmentTitle, type DeliveryEnvironment } from "../project/environment.ts";
import { oneLine } from "../status/reading.ts";
import type { Finding, Target } from "./look.ts";
import type { ImageKeeper } from "./lost-images.ts";
import { takeBack } from "./take-back.ts";

/** What has come of an image. */
export type Outcome =
  | { readonly state: "passed"; readonly evidence: string }
  /** @param back what runs in its place; `null`: it stays, for the reason given */
  | {
      readonly state: "failed";
      readonly evidence: string;
      readonly back: string | null;
      readonly stays?: string;
      /** What its metrics came to. @default nothing was measured */
      readonly judgment?: RecordedJudgment | undefined;
    }
  /** It has no verdict yet, and waits for no job: whoever looks next goes on. */
  | { readonly state: "pending"; readonly detail: string }
  | { readonly state: "superseded"; readonly detail: string };

/** What the record says that is no longer open. */
export function elsewhere({ service, digest }: Target, records: Records): Outcome {
  const { verification, rejected, image } = records.get(service) ?? {};
  if (rejected?.digest === digest)
    return {
      state: "failed",
      evidence: rejected.reason ?? "it was taken back meanwhile",
      back: image?.digest ?? null,
      judgment: rejected.judgment,
    };
  if (image?.digest === digest && verification?.state === "passed")
    return { state: "passed", evidence: verification.evidence };
  if (image?.digest === digest && verification?.state === "failed")
    return { state: "failed", evidence: verification.evidence, back: null, judgment: verification.judgment };
  return {
    state: "superseded",
    detail: image === undefined ? "its record is gone" : `superseded by ${shortDigest(image.digest)}`,
  };
}

/** The verdict about an image that has held, or failed. @param link the job that says so */
export function verdictOf(
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
export async function writeVerdicts(
  environment: DeliveryEnvironment,
  verdicts: readonly Verdict[],
  keeper: ImageKeeper,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const noted = verdicts.filter(({ verification }) => verification.state === "passed");
  for (const verdict of verdicts.filter(({ verification }) => verification.state === "failed")) {
    const back = await takeBack(environment, verdict, keeper);
    const { evidence, judgment } = verdict.verification;
    if (back.state === "taken back")
      outcomes.set(verdict.service, { state: "failed", evidence, back: back.to, judgment });
    if (back.state !== "stays") continue;
    outcomes.set(verdict.service, { state: "failed", evidence, back: null, stays: back.reason, judgment });
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
