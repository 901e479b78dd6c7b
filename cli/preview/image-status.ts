import { errorMessage } from "../../core/error.ts";
import { tokenVariable } from "../../git/git-credentials.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, type Records } from "../../git/records.ts";
import { deliveredBranch } from "../../git/delivered-branch.ts";
import { shortName } from "../../stacks/stack-file.ts";
import { affectedServices } from "../affected/affected-services.ts";
import { branchPoint, releasedFromRecords } from "../affected/base-commit.ts";
import { findEnvironment } from "../project/environment.ts";
import { readMonorepo, repositoryOf } from "../project/monorepo.ts";
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
export async function readImageStatus(project: Project, stack: string, records: Known<Records>): Promise<KnownImages> {
  const name = shortName(stack);
  const settings = await known(async () => project.stackFile(name).find("delivery", "github", "images", "promotion"));
  if ("reason" in settings) return { images: {}, limits: [`images: ${settings.reason}`] };
  const { delivery, github, images, promotion } = settings.value ?? {};
  if (delivery !== "gitops") return { images: {}, limits: [] };
  const released = "value" in records ? { released: digestsIn(records.value) } : {};
  const limits = "reason" in records ? [`the images that run: ${records.reason}`] : [];
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

/** The release records of a stack's environment. To be called before any code of a pull request runs in this process. */
export async function readReleased(
  project: Project,
  stack: string,
  { [tokenVariable]: token = "" }: Readonly<Record<string, string | undefined>>,
): Promise<Known<Records>> {
  const name = shortName(stack);
  // Where nothing comes from Git, no record is asked for.
  const settings = await known(async () => project.stackFile(name).find("delivery"));
  if ("value" in settings && settings.value?.delivery !== "gitops") return { value: new Map() };
  const records = await known(() => {
    const environment = findEnvironment(project, name, {});
    return readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  });
  if ("value" in records || token !== "") return records;
  return { reason: "the deploy repository cannot be read without credentials" };
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
  const repository = await repositoryOf(monorepo);
  const head = (await repository.resolve(["HEAD"])).get("HEAD");
  const from = await branchPoint(repository, "HEAD", await deliveredBranch(branch, monorepo.root));
  const isBranch = from !== undefined && from !== head;
  if (!isBranch && records === undefined) return {};
  const base = isBranch || records === undefined ? { from } : { releasedFrom: releasedFromRecords(records, false) };
  const { services, to } = await affectedServices({ monorepo, to: "HEAD", ...base });
  return { rebuilt: { services: new Set(services.map((service) => service.name)), commit: to } };
}

/** What was found out, or why it cannot be, in one line. */
export type Known<T> = { readonly value: T } | { readonly reason: string };

async function known<T>(find: () => Promise<T>): Promise<Known<T>> {
  try {
    return { value: await find() };
  } catch (error) {
    return { reason: errorMessage(error).split("\n")[0] ?? "" };
  }
}
