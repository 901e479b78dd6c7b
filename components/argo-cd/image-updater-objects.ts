import { createHash } from "node:crypto";
import type { Identity } from "../../git/committer.ts";
import { kindOf, mapAt, nameOf, withValue, type KubernetesObject } from "../../kubernetes/object.ts";
import { inNamespace } from "./argo-cd-objects.ts";

/** How Argo CD Image Updater is set up, as the stack file says. */
export interface ImageUpdaterObjectsArgs {
  namespace: string;
  /** Who makes its commits. @default its own name, `argocd-image-updater` */
  committer?: Identity | undefined;
}

/** The ConfigMap that it reads at its start. Source: https://argocd-image-updater.readthedocs.io/en/stable/install/cmd/run/ */
const configMap = "argocd-image-updater-config";

/** The objects of a release of Argo CD Image Updater, set up as the stack file says. */
export function imageUpdaterObjects(
  release: readonly KubernetesObject[],
  { namespace, committer }: ImageUpdaterObjectsArgs,
): KubernetesObject[] {
  if (committer === undefined) return inNamespace(release, namespace);
  const data = { "git.user": committer.name, "git.email": committer.email };
  const checksum = createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 16);
  const configured = release.map((object) => {
    const { kind } = kindOf(object);
    if (kind === "ConfigMap" && nameOf(object) === configMap)
      return withValue(object, ["data"], { ...mapAt(object, "data"), ...data });
    // Its pods read the ConfigMap once: another identity must start them anew.
    return kind === "Deployment"
      ? withValue(object, ["spec", "template", "metadata", "annotations", "delivery/config-checksum"], checksum)
      : object;
  });
  return inNamespace(configured, namespace);
}

/** What a release must have so that it can be set up. */
export function requiredOfImageUpdater({ committer }: Pick<ImageUpdaterObjectsArgs, "committer">): string[] {
  return [
    "CustomResourceDefinition imageupdaters.argocd-image-updater.argoproj.io",
    ...(committer === undefined ? [] : [`ConfigMap ${configMap}`]),
  ];
}
