import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, type Records } from "../../git/records.ts";
import { stackSchema } from "../../stacks/schema.ts";
import { changedServices } from "../changes/changed-services.ts";
import { releasedFrom } from "../changes/released-from.ts";
import { findEnvironment } from "../environment.ts";
import { readMonorepo } from "../monorepo.ts";
import { shortName } from "../pulumi/project.ts";
import { readStackSettings } from "../stack-settings.ts";
import type { ImageFacts } from "./service-changes.ts";

export interface KnownImages {
  readonly images: ImageFacts;
  /** What could not be found out, in sentences. */
  readonly limits: readonly string[];
}

const neededSchema = stackSchema.pick({ delivery: true, images: true, promotion: true });

/**
 * What the stack does not know of images where Argo CD delivers them: the release records say what runs, and Git which
 * services the commit changes, whose next images will then go to the first environment.
 */
export async function imageFacts(stack: string, access: "as user" | "anonymous"): Promise<KnownImages> {
  const name = shortName(stack);
  try {
    const settings = readStackSettings(name, neededSchema);
    if (settings?.delivery !== "gitops") return { images: {}, limits: [] };
    const environment = findEnvironment(name, {});
    const records = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
    const released = new Map(
      [...records].flatMap(([service, { image }]) => (image === undefined ? [] : [[service, image.digest] as const])),
    );
    const follows = settings.promotion !== undefined || settings.images.source === "build";
    return { images: { released, ...(follows ? {} : await rebuiltSince(name, records)) }, limits: [] };
  } catch (error) {
    const reason =
      access === "anonymous" ? "the deploy repository cannot be read without credentials" : firstLine(error);
    return { images: {}, limits: [`the images that run: ${reason}`] };
  }
}

/** The services that the checked-out commit changes against what runs. */
async function rebuiltSince(name: string, records: Records): Promise<Pick<ImageFacts, "rebuilt">> {
  const { services, to } = await changedServices({
    monorepo: readMonorepo(name),
    to: "HEAD",
    releasedFrom: releasedFrom(records),
  });
  return { rebuilt: { services: new Set(services.map((service) => service.name)), commit: to } };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
