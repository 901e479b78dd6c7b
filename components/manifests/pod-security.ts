import type { Service } from "../service/service.ts";

/** The profiles that a namespace can enforce, the strictest first. Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
const profiles = ["restricted", "baseline", "privileged"] as const;
export type PodSecurity = (typeof profiles)[number];

/** The least strict of some profiles. */
export function loosest(some: readonly PodSecurity[]): PodSecurity {
  return profiles.findLast((profile) => some.includes(profile)) ?? "restricted";
}

type Capable = Pick<Service, "name" | "capabilities">;

/** What a namespace with these services can enforce. */
export function podSecurity(services: readonly Capable[]): PodSecurity {
  return services.some(hasCapabilities) ? "baseline" : "restricted";
}

/** What the namespace does not enforce any more, and for whom; `undefined`: it enforces all there is. */
export function loweredPodSecurity(namespace: string, services: readonly Capable[]): string | undefined {
  const capable = services.filter(hasCapabilities);
  if (capable.length === 0) return undefined;
  const lists = capable.map(({ name, capabilities = [] }) => `${name} (${capabilities.join(", ")})`);
  return `the namespace ${namespace} enforces Pod Security \`baseline\` instead of \`restricted\`, for the capabilities of ${lists.join(", ")}`;
}

function hasCapabilities({ capabilities = [] }: Capable): boolean {
  return capabilities.length > 0;
}
