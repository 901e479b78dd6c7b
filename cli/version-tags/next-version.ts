import { gt, inc, major, parse } from "semver";
import { bumpOf, type Bump, type DescribedCommit } from "../changelog/conventional-commit.ts";

/** A version of a service, and the commit of the monorepo that has it. */
export interface TaggedVersion {
  /** Such as `1.4.0`. */
  readonly version: string;
  readonly commit: string;
}

/** The tag of a version of a service. */
export function tagOf(service: string, version: string): string {
  return `${service}/v${version}`;
}

/** The versions of a service among the tags of a repository; drafts such as `v1.0.0-rc.1` are no versions of what is released. */
export function versionsOf(service: string, tags: ReadonlyMap<string, string>): readonly TaggedVersion[] {
  return [...tags].flatMap(([name, commit]) => {
    const version = name.startsWith(`${service}/v`) ? parse(name.slice(service.length + 2)) : null;
    if (version === null || version.prerelease.length + version.build.length > 0) return [];
    return tagOf(service, version.version) === name ? [{ version: version.version, commit }] : [];
  });
}

/** @returns `undefined`: there is none */
export function highestVersion(versions: readonly TaggedVersion[]): TaggedVersion | undefined {
  return versions.reduce<TaggedVersion | undefined>(
    (highest, one) => (highest === undefined || gt(one.version, highest.version) ? one : highest),
    undefined,
  );
}

/** What a service has before its first version. */
export const firstVersion = "0.1.0";

const order: readonly Bump[] = ["patch", "minor", "major"];

/**
 * The version after one, by the most that the changes since then do. Below 1.0.0 anything may break: what does raises the second
 * number, until a person gives the tag of 1.0.0. Source: https://semver.org, item 4.
 * @param changes one at least
 */
export function nextVersion(after: string, changes: readonly Pick<DescribedCommit, "type" | "breaking">[]): string {
  const bump = order[Math.max(...changes.map((change) => order.indexOf(bumpOf(change))))] ?? "patch";
  const next = inc(after, bump === "major" && major(after) === 0 ? "minor" : bump);
  if (next === null) throw new Error(`unreachable: ${after} is a version`);
  return next;
}
