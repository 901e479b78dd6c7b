import type { StackSettings } from "./schema.ts";

/** Variables of contexts by which commands of the pipeline log in and sign. */
const ofPipeline = /^(DELIVERY|PULUMI|CIRCLE|CIRCLECI|DOCKERHUB)_/;

/**
 * The secrets that the pipeline itself logs in and signs with: whoever may change a service could have them handed to its pods or its
 * Dockerfile, and would be the pipeline.
 * @returns the name of each, and the key of the stack file that names it
 */
export function pipelineSecrets({
  ci,
  images,
  gitops,
}: Pick<StackSettings, "ci" | "images" | "gitops">): ReadonlyMap<string, string> {
  const contexts = [
    { key: "ci.environment", variables: ci.environment },
    ...Object.entries(ci.contexts).map(([kind, variables]) => ({ key: `ci.contexts.${kind}`, variables })),
  ];
  const named: readonly (readonly [secret: string | undefined, key: string])[] = [
    ...contexts.flatMap(({ key, variables }) =>
      Object.entries(variables).flatMap(([variable, secret]) =>
        ofPipeline.test(variable) ? [[secret, `${key}.${variable}`] as const] : [],
      ),
    ),
    [images.signing?.secret, "images.signing.secret"],
    [gitops?.signing?.secret, "gitops.signing.secret"],
    [gitops?.signing?.previews, "gitops.signing.previews"],
    [gitops?.argoCd.commitStatus?.privateKey, "gitops.argoCd.commitStatus.privateKey"],
  ];
  return new Map(named.flatMap(([secret, key]) => (secret === undefined ? [] : [[secret, key]])));
}
