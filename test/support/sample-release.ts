import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseManifests } from "../../kubernetes/manifests.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";

/** A file in the form of a release of Argo CD. */
export const sampleReleaseFile = join(import.meta.dirname, "argo-cd-install.yaml");

/** The settings of a stack with that release, so that no test needs the network. */
export function withSampleRelease(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const gitops = Object(settings["delivery:gitops"]);
  const argoCd = { ...Object(gitops.argoCd), manifests: sampleReleaseFile };
  return { ...settings, "delivery:gitops": { ...gitops, argoCd } };
}

/** The objects of that release. */
export function sampleRelease(): readonly KubernetesObject[] {
  const parsed = parseManifests(readFileSync(sampleReleaseFile, "utf8"));
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.objects;
}
