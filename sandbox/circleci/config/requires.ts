import { z } from "zod";
import { checkAt, ConfigError } from "./config-error.ts";

/** How a required job may have ended. Source: https://circleci.com/docs/configuration-reference/#requires */
const endings = ["success", "failed", "canceled", "unauthorized", "not_run"] as const;
export type Ending = (typeof endings)[number];

const status = z.enum([...endings, "terminal"]);
const requireSchema = z.union([z.string(), z.record(z.string(), z.union([status, z.array(status)]))]);
export const requiresSchema = z.array(requireSchema).default([]);

/** A job that must have ended in one of some ways before another starts. */
export interface Requirement {
  job: string;
  endings: readonly Ending[];
}

export function requirementsOf(place: string, requires: unknown): Requirement[] {
  return checkAt(place, requiresSchema, requires).flatMap((item): Requirement[] =>
    typeof item === "string"
      ? [{ job: item, endings: ["success"] }]
      : Object.entries(item).map(([job, statuses]) => ({
          job,
          endings: [statuses].flat().flatMap((one) => (one === "terminal" ? endings : [one])),
        })),
  );
}

interface Requiring {
  name: string;
  requires: readonly Requirement[];
}

/** @throws ConfigError for a required job that is not there, and for jobs that wait for each other */
export function checkRequirements(place: string, jobs: readonly Requiring[]): void {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const visit = (job: Requiring, path: readonly string[]): void => {
    if (path.includes(job.name))
      throw new ConfigError(place, `jobs require each other: ${[...path, job.name].join(" → ")}`);
    for (const requirement of job.requires) {
      const required = byName.get(requirement.job);
      // The words of CircleCI's validation.
      if (required === undefined)
        throw new ConfigError(
          place,
          `Job '${job.name}' requires '${requirement.job}', which is the name of 0 other jobs in the workflow`,
        );
      visit(required, [...path, job.name]);
    }
  };
  for (const job of jobs) visit(job, []);
}
