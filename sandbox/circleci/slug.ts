import type { Organization, Project } from "./state.ts";

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** A UUID as slugs of standalone organizations and projects write it: its 16 bytes in base58, e.g. `8e4z1Akd74woxagxnvLT5q`. */
export function base58(uuid: string): string {
  const hex = uuid.replaceAll("-", "");
  const digits = (value: bigint): string =>
    value === 0n ? "" : digits(value / 58n) + (alphabet[Number(value % 58n)] ?? "");
  const zeros = /^(?:00)*/.exec(hex)?.[0] ?? "";
  return "1".repeat(zeros.length / 2) + digits(BigInt(`0x${hex}`));
}

/**
 * Standalone organizations (GitHub App, GitLab) are addressed by id, never by name. Clients take a slug that carries the
 * organization's name for one of a VCS account, and the official provider then calls circleci.com to follow the repository.
 */
export function organizationSlug(organization: Organization): string {
  return `circleci/${base58(organization.id)}`;
}

export function projectSlug(project: Project, organization: Organization): string {
  return `${organizationSlug(organization)}/${base58(project.id)}`;
}

/** Whether a slug's part addresses the object: the short form or the UUID itself. */
export function addresses(part: string, uuid: string): boolean {
  return part === base58(uuid) || part.toLowerCase() === uuid;
}
