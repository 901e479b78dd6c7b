/**
 * The part of Travis CI's build configuration that the pipeline uses, as narrow as it is used: unknown keys are errors. No package
 * of npm's has the schema that Travis publishes.
 * Source: https://config.travis-ci.com/, which is made from schema.json of https://github.com/travis-ci/travis-yml
 */
import { z } from "zod";

const nonEmpty = z.string().min(1);

/** A condition on the build: not evaluated by a shell. Source: https://docs.travis-ci.com/user/conditions-v1 */
const conditionSchema = nonEmpty.refine(
  (text) => !/\$/.test(text),
  "Must not have a dollar sign, which Travis refuses",
);

const jobSchema = z.strictObject({
  /** Jobs of a stage run side by side; the next stage starts when all have succeeded. */
  stage: nonEmpty,
  name: nonEmpty,
  /** @default always */
  if: conditionSchema.optional(),
  services: z.array(z.literal("docker")).length(1).optional(),
  /** Source: https://docs.travis-ci.com/user/using-workspaces/ */
  workspaces: z
    .strictObject({
      use: z.array(nonEmpty).min(1).optional(),
      create: z.strictObject({ name: nonEmpty, paths: z.array(nonEmpty).min(1) }).optional(),
    })
    .optional(),
  /** Every entry is run, whatever came of the one before: so there is one. Source: https://docs.travis-ci.com/user/job-lifecycle/ */
  script: z.array(nonEmpty).length(1),
});
export type TravisJob = z.infer<typeof jobSchema>;

/** Source: https://docs.travis-ci.com/user/build-matrix/ */
const mostJobs = 200;

export const travisConfigSchema = z
  .strictObject({
    version: z.literal("~> 1.0"),
    os: z.literal("linux"),
    dist: nonEmpty,
    language: z.literal("shell"),
    /** Which events start a build. */
    if: conditionSchema,
    git: z.strictObject({ depth: z.literal(false), submodules: z.boolean() }),
    stages: z.array(nonEmpty).min(1),
    jobs: z.strictObject({ include: z.array(jobSchema).min(1) }),
  })
  .superRefine(({ stages, jobs: { include } }, context) => {
    const issue = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path, message });
    include.forEach(({ stage, workspaces: { use = [] } = {} }, index) => {
      if (!stages.includes(stage)) issue(["jobs", "include", index, "stage"], `${stage} is not among stages`);
      for (const name of use) {
        const isMade = include.some(
          (job) => job.workspaces?.create?.name === name && stages.indexOf(job.stage) < stages.indexOf(stage),
        );
        if (!isMade) issue(["jobs", "include", index, "workspaces"], `no job of an earlier stage creates ${name}`);
      }
    });
    for (const [name, same] of Map.groupBy(include, (job) => job.workspaces?.create?.name))
      if (name !== undefined && same.length > 1) issue(["jobs", "include"], `${same.length} jobs create ${name}`);
    for (const [condition, same] of Map.groupBy(include, (job) => job.if))
      if (same.length > mostJobs)
        issue(
          ["jobs", "include"],
          `${same.length} jobs where ${condition}, and Travis CI takes ${mostJobs} of a build; let another engine run the pipeline (ci.engine)`,
        );
  });
export type TravisConfig = z.infer<typeof travisConfigSchema>;
