import type { types } from "@pulumi/kubernetes";
import { output, type Input } from "@pulumi/pulumi";
import { allowedImagesName } from "../../core/names.ts";
import { metadata, type Environment } from "./metadata.ts";

/** Whether the cluster takes pods of images that nobody has declared or released, as the stack file says. */
export interface AdmissionSettings {
  /** `audit`: they start, and the API server says so; `enforce`: they do not start. */
  readonly action: "audit" | "enforce";
  /** Further images, as pods name them. */
  readonly images: readonly string[];
}

/** Under this key is the image that a service is to run. */
export const currentImageKey = "current";

/**
 * The images that the pods of a service, or of its migrations, may have.
 * @param image with gitops the name alone: kustomize puts the digest of the release record in, and what ran before
 * @param previous what ran before, by key
 */
export function allowedImages(
  environment: Environment,
  owner: string,
  image: Input<string>,
  previous?: Input<Record<string, string>>,
) {
  const current = { [currentImageKey]: image };
  return {
    metadata: { ...metadata(environment, owner), name: allowedImagesName(owner) },
    data:
      previous === undefined
        ? current
        : output([current, previous] as const).apply(([now, before]): Record<string, string> => ({
            ...before,
            ...now,
          })),
  } satisfies types.input.core.v1.ConfigMap;
}
