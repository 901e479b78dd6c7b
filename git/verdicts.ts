import type { DeployBranch } from "./deploy-branch.ts";
import { commitToBranch } from "./deploy-repository.ts";
import { readRecords, shortDigest } from "./records.ts";
import { recordPath, recordWith, type ReleaseRecord, type Verification } from "./release-record.ts";

/** What has come of the verification of an image. */
export interface Verdict {
  readonly service: string;
  /** The image that it is about: of another one it says nothing. */
  readonly digest: string;
  readonly verification: Exclude<Verification, { readonly state: "pending" }>;
  /** Whether it counts also where the record has a verdict already, or waits for none. @default false */
  readonly again?: boolean;
}

interface VerdictsArgs extends DeployBranch {
  /** The environment's directory. */
  readonly directory: string;
  readonly verdicts: readonly Verdict[];
  /** The first line of the commit, for the verdicts that it holds. */
  readonly subject: (written: readonly Verdict[]) => string;
}

/**
 * Writes verdicts beside what they are about, by one commit. Of an image that no longer runs nothing is written, nor over the
 * verdict of somebody else.
 * @returns those that were written
 */
export async function commitVerdicts({ verdicts, subject, ...target }: VerdictsArgs): Promise<readonly Verdict[]> {
  let written: readonly Verdict[] = [];
  await commitToBranch(target, async (snapshot) => {
    const records = await readRecords(snapshot, target.directory);
    const changes = verdicts.flatMap((verdict) => {
      const { image, rejected, ...record } = records.get(verdict.service) ?? {};
      if (image === undefined || !isOpen(verdict, records.get(verdict.service))) return [];
      const { service, verification } = verdict;
      return [
        {
          verdict,
          path: recordPath(target.directory, service),
          text: recordWith({ ...image, ...record, verification }, rejected),
        },
      ];
    });
    written = changes.map(({ verdict }) => verdict);
    const lines = written.flatMap(({ service, digest, verification: { state, evidence, link } }) => [
      `${service} ${shortDigest(digest)}: ${state}; ${evidence}${link === undefined ? "" : ` (${link})`}`,
    ]);
    return {
      write: Object.fromEntries(changes.map(({ path, text }) => [path, text])),
      message: `${subject(written)}\n\n${lines.join("\n")}\n`,
    };
  });
  return written;
}

/** Whether a record still waits for the verdict. */
export function isOpen(
  { digest, again }: Pick<Verdict, "digest" | "again">,
  record: ReleaseRecord | undefined,
): boolean {
  if (record?.image?.digest !== digest) return false;
  return again === true || record.verification?.state === "pending";
}
