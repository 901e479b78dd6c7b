import type { Area } from "./model.ts";
import type { Step } from "./step.ts";

/** Where a resource belongs, by its type and by what it is part of. */
export function areaOf({ type, ancestors }: Step): Area {
  if (type.startsWith("pulumi:providers:")) return "Providers";
  if (type.startsWith("docker:")) return "Images";
  if (type.startsWith("circleci:")) return "CI";
  if (type.endsWith(":GitManifests")) return "Deploy repository";
  if (ancestors.some((ancestor) => ancestor.startsWith("delivery:gitops:"))) return "Argo CD";
  return ancestors.includes("delivery:cluster:Workload") ? "Services" : "Cluster";
}

/** `kubernetes:apps/v1:Deployment` → `Deployment`. */
export function kindOf({ type }: Step): string {
  if (type.startsWith("pulumi:providers:")) return `Provider ${type.slice("pulumi:providers:".length)}`;
  return type.split(":").at(-1) ?? type;
}
