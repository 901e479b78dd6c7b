import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { schemaProblems, type Problem } from "./problem.ts";

const recordSchema = z.strictObject({
  apiVersion: z.literal("kustomize.config.k8s.io/v1alpha1"),
  kind: z.literal("Component"),
  images: z
    .array(z.strictObject({ name: z.string(), digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, "Must be sha256: and 64 hexadecimal digits") }))
    .length(1, "A release record holds exactly one image"),
});

/** Where the release record of a service is: the file that CI writes and that says what runs in an environment. */
export function releaseRecordPath(releases: string, environment: string, service: string): string {
  return join(releases, environment, service, "release", "kustomization.yaml");
}

/**
 * The digest that a release record pins; `undefined` if nothing has been released yet.
 * @param repository the image the record must speak of
 */
export function readReleaseRecord(file: string, repository: string): { digest: string | undefined } | { problems: Problem[] } {
  if (!existsSync(file)) return { digest: undefined };
  const document = parseDocument(readFileSync(file, "utf8"));
  const syntaxError = document.errors[0];
  if (syntaxError !== undefined) return { problems: [{ place: file, message: `is not YAML: ${syntaxError.message.trimEnd()}` }] };
  const input: unknown = document.toJS();
  const record = recordSchema.safeParse(input);
  if (!record.success) return { problems: schemaProblems(file, record.error, input) };
  const [image] = record.data.images;
  if (image?.name !== repository) {
    return { problems: [{ place: `${file}: images.0.name`, message: `${JSON.stringify(image?.name)} is another image than ${repository}; correct images.registry or images.organization, or release again` }] };
  }
  return { digest: image.digest };
}
