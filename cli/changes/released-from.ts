import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, type Records } from "../../git/records.ts";
import type { DeliveryEnvironment } from "../environment.ts";
import type { ReleasedFrom } from "./changed-services.ts";

/** Reads from the release records what each service of an environment was built from. */
export async function readReleasedFrom(environment: DeliveryEnvironment): Promise<(service: string) => ReleasedFrom> {
  return releasedFrom(await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory)));
}

/** What each service of an environment was built from, as its release record says. */
export function releasedFrom(records: Records): (service: string) => ReleasedFrom {
  return (service) => {
    const { image, sourceCommit, rejected } = records.get(service) ?? {};
    return image === undefined ? "unreleased" : { running: sourceCommit, rejected: rejected?.sourceCommit };
  };
}
