import { errorMessage } from "../../core/error.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, type Records } from "../../git/records.ts";
import { deliveredBranch } from "../../git/delivered-branch.ts";
import { openSourceRepository } from "../../git/source-repository.ts";
import { shortName } from "../../stacks/stack-file.ts";
import { affectedServices } from "../affected/affected-services.ts";
import { branchPoint, releasedFromRecords } from "../affected/base-commit.ts";
import { findEnvironment } from "../project/environment.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";
import type { ImageStatus } from "./service-changes.ts";

export interface KnownImages {
  readonly images: ImageStatus;
  /** What could not be found out, in phrases for the report. */
  readonly limits: readonly string[];
}

/**
 * What the stack does not know of images where Argo CD delivers them: the release records say what runs, and Git which
 * services the commit changes, whose next images will then go to the first environment.
 */
export async function readImageStatus(
  project: Project,
  stack: string,
  access: "as user" | "anonymous",
): Promise<KnownImages> {
  const name = shortName(stack);
  const settings = await known(async () => project.stackFile(name).find("delivery", "github", "images", "promotion"));
  if ("reason" in settings) return { images: {}, limits: [`images: ${settings.reason}`] };
  const { delivery, github, images, promotion } = settings.value ?? {};
  if (delivery !== "gitops") return { images: {}, limits: [] };
  const records = await known(() => recordsOf(project, name));
  const released = "value" in records ? { released: digestsIn(records.value) } : {};
  const noRecords = access === "anonymous" ? "the deploy repository cannot be read without credentials" : undefined;
  const limits = "reason" in records ? [`the images that run: ${noRecords ?? records.reason}`] : [];
  // Without CI no commit is released.
  const byCi = promotion === undefined && (images?.source === "registry" || github !== undefined);
  if (!byCi) return { images: released, limits };
  const rebuilt = await known(() =>
    rebuiltBy(project, name, github?.branch, "value" in records ? records.value : undefined),
  );
  return "value" in rebuilt
    ? { images: { ...released, ...rebuilt.value }, limits }
    : { images: released, limits: [...limits, `the images that the commit changes: ${rebuilt.reason}`] };
}

async function recordsOf(project: Project, name: string): Promise<Records> {
  const environment = findEnvironment(project, name, {});
  return readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
}

function digestsIn(records: Records): ReadonlyMap<string, string> {
  return new Map(
    [...records].flatMap(([service, { image }]) => (image === undefined ? [] : [[service, image.digest] as const])),
  );
}

/**
 * The services that the checked-out commit changes: since its branch began, or on the delivered branch since what runs was
 * built.
 */
async function rebuiltBy(
  project: Project,
  name: string,
  branch: string | undefined,
  records: Records | undefined,
): Promise<Pick<ImageStatus, "rebuilt">> {
  const monorepo = readMonorepo(project, name);
  const repository = await openSourceRepository(monorepo.root);
  const head = (await repository.resolve(["HEAD"])).get("HEAD");
  const from = await branchPoint(repository, "HEAD", await deliveredBranch(branch, monorepo.root));
  const isBranch = from !== undefined && from !== head;
  if (!isBranch && records === undefined) return {};
  const base = isBranch || records === undefined ? { from } : { releasedFrom: releasedFromRecords(records, false) };
  const { services, to } = await affectedServices({ monorepo, to: "HEAD", ...base });
  return { rebuilt: { services: new Set(services.map((service) => service.name)), commit: to } };
}

/** The value, or the first line of why it cannot be found out. */
async function known<T>(find: () => Promise<T>): Promise<{ value: T } | { reason: string }> {
  try {
    return { value: await find() };
  } catch (error) {
    return { reason: errorMessage(error).split("\n")[0] ?? "" };
  }
}
