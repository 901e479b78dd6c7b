import { CommandError } from "../command.ts";
import type { Registry, RegistryImage } from "./client.ts";

/** Reading when an image was built costs requests, and registries limit those. */
const mostDated = 500;

/** How many images are read at the same time. */
const atOnce = 8;

/** The newest image of a repository, and what a person should know of it. */
export interface NewestImage {
  readonly digest: string;
  /** The tag whose number it was chosen by. @default none has one */
  readonly tag?: string | undefined;
  /** Why this may not be the one that was built last. */
  readonly doubt?: string | undefined;
}

/**
 * The newest build: that of the highest build number, or where no tag has one, what the stable tag names, or else the image
 * that was built last.
 * @param stable what stands before the build number in tags, e.g. `0.2`; `undefined`: not known
 * @returns `undefined`: the repository holds no image
 * @throws CommandError where it cannot be told which one is the newest
 */
export async function newestImage(
  registry: Registry,
  repository: string,
  stable: string | undefined,
): Promise<NewestImage | undefined> {
  const tags = (await registry.tags(repository)).filter(mayBeImage);
  const build = newestBuild(tags, stable);
  if (build !== undefined) {
    const digest = await registry.digest(repository, build);
    if (digest === undefined) return undefined;
    return { digest, tag: build, doubt: await restartOfNumbers(registry, repository, { tags, stable, build, digest }) };
  }
  if (stable !== undefined && tags.includes(stable)) {
    const image = await registry.image(repository, stable);
    if (image !== undefined) return { digest: image.digest };
  }
  const last = await lastBuilt(registry, repository, tags, stable);
  return last === undefined ? undefined : { digest: last.digest };
}

/** Signatures and attestations are tagged by the digest that they speak of, build caches by that name. */
function mayBeImage(tag: string): boolean {
  return !/^sha256-[0-9a-f]{64}/.test(tag) && tag !== "buildcache";
}

/**
 * The tag of the newest build: CI tags `<stable>.<build number>`, e.g. `0.2.117`.
 * @param stable the part before the build number; where no tag has it, any tag of at least three numbers and dots counts
 * @returns `undefined` if no tag is of that form
 */
export function newestBuild(tags: readonly string[], stable: string | undefined): string | undefined {
  const ofStable = numbered(tags, stable);
  return ofStable.length > 0
    ? ofStable.at(-1)
    : tags
        .filter((tag) => /^\d+(\.\d+){2,}$/.test(tag))
        .toSorted(compareNumbers)
        .at(-1);
}

/** The tags that are exactly the stable part, a dot and a whole number, by this number. */
function numbered(tags: readonly string[], stable: string | undefined): string[] {
  if (stable === undefined) return [];
  const builds = tags.filter((tag) => tag.startsWith(`${stable}.`) && /^\d+$/.test(tag.slice(stable.length + 1)));
  const number = (tag: string): string => tag.slice(stable.length + 1);
  return builds.toSorted((one, other) => compareNumbers(number(one), number(other)));
}

/** By number, part by part: 0.2.10 comes after 0.2.9. A number may have more digits than JavaScript's numbers keep apart. */
function compareNumbers(one: string, other: string): number {
  const [ones, others] = [one.split(".").map(BigInt), other.split(".").map(BigInt)];
  for (let index = 0; index < Math.max(ones.length, others.length); index++) {
    const [left = -1n, right = -1n] = [ones[index], others[index]];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

interface NumberedBuild {
  readonly tags: readonly string[];
  readonly stable: string | undefined;
  /** The tag with the highest number, and its image. */
  readonly build: string;
  readonly digest: string;
}

/**
 * Says so where a build with a lower number was built later: CI's numbers may begin again, where a project is made anew, and
 * nothing would ever be released again. The highest number counts all the same, for an older pipeline may also have ended late.
 */
async function restartOfNumbers(
  registry: Registry,
  repository: string,
  { tags, stable, build, digest }: NumberedBuild,
): Promise<string | undefined> {
  const [lowest] = numbered(tags, stable);
  // The stable tag is moved by every build; numbers that begin again pass the lowest one first.
  const suspect = stable !== undefined && tags.includes(stable) ? stable : lowest;
  if (suspect === undefined || suspect === build) return undefined;
  if ((await registry.digest(repository, suspect)) === digest) return undefined;
  const [late, highest] = await Promise.all([
    registry.created(repository, suspect),
    registry.created(repository, digest),
  ]);
  if (late === undefined || highest === undefined || late <= highest) return undefined;
  return `${repository}:${suspect} was built after ${build}, the highest build number, which counts all the same. If CI's numbers have begun again, remove the tags of the old ones, or give images.tag another value`;
}

async function lastBuilt(
  registry: Registry,
  repository: string,
  tags: readonly string[],
  stable = "STABLE",
): Promise<RegistryImage | undefined> {
  const hint = `tag builds ${stable}.NUMBER, as images.tag of the stack file says`;
  if (tags.length > mostDated)
    throw new CommandError(
      `${repository} has ${tags.length} tags, none of them ${stable}.NUMBER: too many to find out which image was built last; ${hint}`,
    );
  const images: RegistryImage[] = [];
  for (let start = 0; start < tags.length; start += atOnce) {
    const read = tags.slice(start, start + atOnce).map((tag) => registry.image(repository, tag));
    images.push(...(await Promise.all(read)).filter((image) => image !== undefined));
  }
  const distinct = [...new Map(images.map((image) => [image.digest, image])).values()];
  const time = ({ created }: RegistryImage): number => created?.getTime() ?? 0;
  const [last, second] = distinct.toSorted((one, other) => time(other) - time(one));
  if (last === undefined || second === undefined || time(last) > time(second)) return last;
  throw new CommandError(
    `${repository}: which image was built last cannot be told, for several name the same time, or none; ${hint}`,
  );
}
