import type { types } from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";
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
 * The image that the pods of a service, or of its migrations, are to have. What ran before is added where it is known.
 * @param image with gitops the name alone: kustomize puts the digest of the release record in, and what ran before
 */
export function allowedImages(environment: Environment, owner: string, image: Input<string>) {
  return {
    metadata: { ...metadata(environment, owner), name: allowedImagesName(owner) },
    data: { [currentImageKey]: image },
  } satisfies types.input.core.v1.ConfigMap;
}
