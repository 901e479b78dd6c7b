import { clusterCheck } from "../../../cli/drift/cluster-check.ts";
import { parseRecord, recordPath } from "../../../git/release-record.ts";
import type { Environment } from "./environment.ts";
import type { GitOpsHarness } from "./gitops-harness.ts";

/** What `delivery drift` finds of an environment on the cluster, one sentence each. */
export async function clusterFindings(harness: GitOpsHarness, environment: Environment): Promise<string[]> {
  const { app, name, namespace, services } = environment;
  const files = harness.repository.files();
  const records = new Map(
    services.map((service) => {
      const path = recordPath(name, service);
      const record = parseRecord(path, files[path] ?? "");
      if ("problems" in record) throw new Error(`${path}: ${record.problems.map(({ message }) => message).join("; ")}`);
      return [service, record] as const;
    }),
  );
  const location = { app, environment: name, namespace, argoCdNamespace: "argocd" };
  const check = await clusterCheck(
    harness.kubernetes,
    // What is extra is told by the stack's state, which other tests look at.
    { ...location, delivery: "gitops", records, declared: undefined },
    AbortSignal.timeout(20_000),
  );
  return check.findings.map(({ what, change }) => `${what} ${change}`).toSorted();
}
