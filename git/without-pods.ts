import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

/** One patch of a record, for kustomize. */
interface RecordPatch {
  readonly target: { readonly kind: string; readonly name: string };
  readonly patch: string;
}

/** What kustomize makes of a service without an image: whatever kind makes its pods, there are none. */
export function withoutPods(service: string): readonly RecordPatch[] {
  return [
    // Kustomize's own `replicas` knows Kubernetes' kinds alone, and fails where the service is of another one.
    patchOf("(Deployment|StatefulSet)", service, "/spec/replicas", 0),
    // Argo CD does not make it. One of 0 pods would count as the image of before, and have its share of the pods in the first rollout.
    patchOf("Rollout", service, "/metadata/annotations/argocd.argoproj.io~1hook", "Skip"),
    ...withoutRuns(service),
  ];
}

/** As earlier versions of this program wrote it. */
function earlierWithoutPods(service: string): readonly RecordPatch[] {
  return [patchOf("(Deployment|Rollout|StatefulSet)", service, "/spec/replicas", 0), ...withoutRuns(service)];
}

function withoutRuns(service: string): readonly RecordPatch[] {
  return [
    patchOf("CronJob", service, "/spec/suspend", true),
    // It has succeeded at once; Argo CD would wait for one that is suspended.
    patchOf("Job", service, "/spec/completions", 0),
  ];
}

function patchOf(kind: string, name: string, path: string, value: unknown): RecordPatch {
  return { target: { kind, name }, patch: JSON.stringify([{ op: "add", path, value }]) };
}

/** Whether patches are those of a service without pods, and no others. */
export function isWithoutPods(patches: readonly RecordPatch[]): boolean {
  const service = patches[0]?.target.name ?? "";
  return [withoutPods, earlierWithoutPods].some((made) => isDeepStrictEqual(patches, made(service)));
}

export const patchSchema = z.strictObject({
  target: z.strictObject({ kind: z.string(), name: z.string() }),
  patch: z.string(),
});
