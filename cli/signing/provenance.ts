import { createHash } from "node:crypto";
import { ciRun } from "../ci-run.ts";
import type { ImageBuild } from "../build/builders.ts";
import type { ImageSources } from "./image-sources.ts";
import type { ImageClaim } from "./statement.ts";

/** Of more files than these, provenance has only their number and the hash of their list. */
const mostFiles = 5_000;

/** What a build knows of itself. */
export interface BuildRun {
  /** The repository of the sources, as a URL; `undefined`: not known. */
  readonly source: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly startedOn: Date;
  readonly finishedOn: Date;
}

/**
 * What the image was built from, by whom, and how: a predicate of SLSA's provenance.
 * Source: https://slsa.dev/spec/v1.1/provenance
 */
export function provenanceOf(
  { commit, tags }: ImageClaim,
  { source: build, files, images }: ImageSources,
  { service, platforms, bases = {} }: Pick<ImageBuild, "service" | "platforms" | "bases">,
  { source, environment, startedOn, finishedOn }: BuildRun,
): unknown {
  const { link: url } = ciRun(environment);
  const inputs = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    buildDefinition: {
      buildType: "urn:delivery:image-build:1",
      externalParameters: { service, commit, tags, ...(source === undefined ? {} : { source }), ...build, platforms },
      internalParameters: {
        inputs: {
          files: inputs.length,
          sha256: createHash("sha256")
            .update(inputs.map(([path, hash]) => `${hash}  ${path}\n`).join(""))
            .digest("hex"),
        },
      },
      resolvedDependencies: [
        { ...(source === undefined ? { name: "source" } : { uri: `git+${source}` }), digest: { gitCommit: commit } },
        ...images.map((image) => imageDescriptor(image, bases[image])),
        ...(inputs.length > mostFiles ? [] : inputs.map(([name, sha256]) => ({ name, digest: { sha256 } }))),
      ],
    },
    runDetails: {
      // Each job of a project may be another, but all have its contexts.
      builder: { id: url === undefined ? "urn:delivery:local" : url.replace(/\/[^/]*$/, "") },
      metadata: {
        ...(url === undefined || url === "" ? {} : { invocationId: url }),
        startedOn: startedOn.toISOString(),
        finishedOn: finishedOn.toISOString(),
      },
    },
  };
}

function imageDescriptor(image: string, built: string | undefined): unknown {
  const digest = built ?? image.split("@")[1];
  return {
    uri: `docker-image://${image.split("@")[0]}`,
    ...(digest === undefined ? {} : { digest: { sha256: digest.replace(/^.*sha256:/, "") } }),
  };
}
