import { z } from "zod";
import { checkAt } from "./config-error.ts";
import { matchesWhole, type Lookup } from "./expression.ts";
import { conditionHolds } from "./logic.ts";
import type { Yaml } from "./yaml.ts";

const branches = z
  .union([z.string(), z.array(z.string())])
  .transform((one) => [one].flat())
  .optional();
const filtersSchema = z.strictObject({ branches: z.strictObject({ only: branches, ignore: branches }).optional() });

/**
 * Whether a job runs on a branch, by an expression or by names and `/patterns/` of branches.
 * Source: https://circleci.com/docs/configuration-reference/#filters
 *
 * @param branch `undefined`: a tag, for which jobs with filters of branches do not run
 */
export function passesFilters(place: string, filters: Yaml, branch: string | undefined, lookup: Lookup): boolean {
  if (filters === undefined) return branch !== undefined;
  if (typeof filters === "string") return conditionHolds(place, filters, lookup);
  const { only, ignore } = checkAt(place, filtersSchema, filters).branches ?? {};
  if (branch === undefined) return false;
  const names = (list: readonly string[]): boolean => list.some((item) => matchesBranch(item, branch));
  return (only === undefined || names(only)) && (ignore === undefined || !names(ignore));
}

function matchesBranch(item: string, branch: string): boolean {
  return item.length > 1 && item.startsWith("/") && item.endsWith("/")
    ? matchesWhole(item.slice(1, -1), branch)
    : item === branch;
}
