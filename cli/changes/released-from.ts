import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords } from "../../git/records.ts";
import type { DeliveryEnvironment } from "../environment.ts";
import type { ReleasedFrom } from "./changed-services.ts";

/** Reads from the release records what each service of an environment was built from. */
export async function readReleasedFrom(environment: DeliveryEnvironment): Promise<(service: string) => ReleasedFrom> {
  const records = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  return (service) => {
    const { image, sourceCommit } = records.get(service) ?? {};
    if (image === undefined) return "unreleased";
    return sourceCommit === undefined ? undefined : { commit: sourceCommit };
  };
}
