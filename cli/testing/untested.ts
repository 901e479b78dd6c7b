import type { Service } from "../../components/service/service.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";

/** Why a service has no tests in CI, for people. */
export const untestedReason = "not tested, as `test: none` says";

/** The services that say of themselves that nothing tests them. */
export function untestedServices(services: readonly Service[]): string[] {
  return services.filter(({ test }) => test === "none").map(({ name }) => name);
}

/** The same of an environment; none where its files are wrong, which others report. */
export function knownUntested(project: Project, environment: string): string[] {
  try {
    return untestedServices(readMonorepo(project, environment).services);
  } catch {
    return [];
  }
}
