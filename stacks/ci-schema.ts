import { z } from "zod";
import { scheduleProblem } from "../core/cron.ts";
import { nonEmpty, variable } from "../core/problem.ts";

/** Environment variables of CI: name → name of a secret. */
const variablesSchema = z.record(variable, z.string("Must be the name of a secret"));

const organizationHint = "Must be the UUID shown in CircleCI's organization settings";

/** The engines that can run the pipeline. */
export const ciEngines = ["circleci", "tekton", "travis"] as const;
export type CiEngineName = (typeof ciEngines)[number];

const ciSettingsSchema = z.strictObject({
  /** What runs the pipeline; docs/ci-engines.md. @default circleci */
  engine: z.enum(ciEngines, `Must be ${ciEngines.slice(0, -1).join(", ")} or ${ciEngines.at(-1)}`).default("circleci"),
  /** CircleCI's id of the organization. @default none, which only other engines do without */
  organizationId: z.uuid(organizationHint).optional(),
  /** The project's name. @default the app's name */
  project: z.string().optional(),
  /** The project's slug; needed where another stack owns the project. */
  projectSlug: z
    .string()
    .regex(/^[^/\s]+\/[^/\s]+\/[^/\s]+$/, "Must be vcs/organization/project")
    .optional(),
  /** Whether CircleCI can delete the project; one that follows a repository it cannot, so destroy leaves that. @default true */
  standalone: z.boolean("Must be true or false").default(true),
  /** The GitHub repository's numeric id; with it the project gets a pipeline that runs at every push. */
  repositoryId: z
    .string("Must be a string of digits; quote it")
    .regex(/^\d+$/, "Must be GitHub's numeric id of the repository")
    .optional(),
  /** Variables of the environment's own context, which jobs of what is merged have: name → name of a secret in `secrets`. */
  environment: variablesSchema.default({}),
  /** Variables of the contexts that environments share, likewise. A secret reaches no other jobs than those. */
  contexts: z
    .strictObject({
      /** `<app>-build`: builds of what is merged, which push. The stack with owns.ciProject says it. */
      build: variablesSchema.default({}),
      /** `<app>-read`: all that pull requests get. The stack with owns.ciProject says it. */
      read: variablesSchema.default({}),
      /** `<app>-previews`: jobs that give labelled pull requests environments. The stack with gitops.previews says it. */
      previews: variablesSchema.default({}),
    })
    .prefault({}),
  /**
   * For the update before `.circleci` is generated anew: the environment's context stays as it was, with all that there is, for
   * pull requests, too. @default false
   */
  sharedContext: z.boolean("Must be true or false").default(false),
  /** The kubeconfig's context of the cluster with Tekton, where that is not `cluster.context`. */
  clusterContext: nonEmpty("a context of the kubeconfig").optional(),
  /** How Tekton's runs start at the times of driftSchedule and resumeSchedule. */
  incoming: z
    .strictObject({
      /** The name of a secret in `secrets` that Pipelines-as-Code asks for: any long random text. */
      secret: nonEmpty("the name of a secret with which runs are started"),
      /** Where Pipelines-as-Code listens within the cluster. @default where its own installation has it */
      controller: z
        .url("Must be a URL such as http://pipelines-as-code-controller.pipelines-as-code.svc:8080")
        .regex(/[^/]$/, "Must not end with a slash")
        .default("http://pipelines-as-code-controller.pipelines-as-code.svc:8080"),
    })
    .optional(),
  /** The image that jobs run in: with Node.js 24 or newer, Git, and what the tests need. @default cimg/node:24.11 */
  image: z.string("Must be an image such as cimg/go:1.26-node").min(1).default("cimg/node:24.11"),
  /** Where jobs find this program, if not in the monorepo's own repository: a Git repository. */
  program: z
    .strictObject({
      repository: nonEmpty("the URL of the program's Git repository"),
      /** A branch, tag or commit. @default its default branch */
      ref: z.string().min(1, "Must be a branch, tag or commit").optional(),
    })
    .optional(),
  /** When all environments are looked over for drift, as five fields of cron in UTC. @default never */
  driftSchedule: z
    .string()
    .regex(/^\S+( \S+){4}$/, "Must be five fields of cron, such as 0 6 * * *")
    .optional(),
  /** When CI goes on with what waits for a verdict or an open window, as five fields of cron in UTC. @default never */
  resumeSchedule: z
    .string()
    .regex(/^\S+( \S+){4}$/, "Must be five fields of cron, such as */10 * * * *")
    .optional(),
  /** Whether CircleCI lists releases among its deploys, and has a pipeline that rolls back from there. @default false */
  deployMarkers: z.boolean("Must be true or false").default(false),
  /** The base URL of the API. @default CircleCI's own */
  host: z
    .url("Must be a URL such as https://circleci.com/api/v2")
    .regex(/[^/]$/, "Must not end with a slash: the provider appends its paths to it")
    .optional(),
});

/** The keys of `ci` that say something to CircleCI alone, and what they are where nobody says so. */
const circleCiKeys = {
  organizationId: undefined,
  project: undefined,
  projectSlug: undefined,
  standalone: true,
  repositoryId: undefined,
  sharedContext: false,
  deployMarkers: false,
  host: undefined,
} as const satisfies Partial<Record<keyof z.infer<typeof ciSettingsSchema>, unknown>>;

// Also where another key is wrong: all problems are reported together.
export const ciSchema = Object.entries(circleCiKeys).reduce(
  (schema, [key, byItself]) =>
    schema.refine(({ engine, [key as keyof typeof circleCiKeys]: value }) => !isOther(engine) || value === byItself, {
      path: [key],
      message: "Is a setting of CircleCI, and ci.engine is another; remove it",
      when: isMap,
    }),
  ciSettingsSchema
    .refine(({ engine, clusterContext }) => engine === "tekton" || clusterContext === undefined, {
      path: ["clusterContext"],
      message: "Is a setting of Tekton, and ci.engine is another; remove it",
      when: isMap,
    })
    .refine(({ engine, incoming }) => engine === "tekton" || incoming === undefined, {
      path: ["incoming"],
      message: "Is a setting of Tekton, and ci.engine is another; remove it",
      when: isMap,
    })
    .refine(
      ({ engine, driftSchedule, resumeSchedule, incoming }) =>
        engine !== "tekton" || incoming !== undefined || (driftSchedule ?? resumeSchedule) === undefined,
      {
        path: ["incoming"],
        message:
          "Must name the secret with which driftSchedule and resumeSchedule start runs of Pipelines-as-Code: {secret: incoming}",
        when: isMap,
      },
    )
    .superRefine(({ engine, driftSchedule, resumeSchedule }, context) => {
      if (engine !== "tekton") return;
      for (const [key, schedule] of Object.entries({ driftSchedule, resumeSchedule })) {
        const message = schedule === undefined ? undefined : scheduleProblem(schedule);
        if (message !== undefined) context.addIssue({ code: "custom", path: [key], message });
      }
    })
    .refine(({ engine, driftSchedule }) => engine !== "travis" || driftSchedule === undefined, {
      path: ["driftSchedule"],
      message: "Does nothing at Travis CI, whose cron jobs are made in the settings of the repository there; remove it",
      when: isMap,
    })
    .refine(({ engine, resumeSchedule }) => engine !== "travis" || resumeSchedule === undefined, {
      path: ["resumeSchedule"],
      message: "Does nothing at Travis CI, of whose cron jobs none says what it is for; remove it",
      when: isMap,
    })
    .refine(({ engine, organizationId }) => isOther(engine) || organizationId !== undefined, {
      path: ["organizationId"],
      message: organizationHint,
      // What is no UUID is reported as that.
      when: (payload) => isMap(payload) && !payload.issues.some(({ path }) => path?.[0] === "organizationId"),
    }),
);

/** Of an engine that nobody knows, only that is said. */
function isOther(engine: unknown): boolean {
  return engine !== "circleci" && ciEngines.some((known) => known === engine);
}

function isMap({ value }: { readonly value: unknown }): boolean {
  return typeof value === "object" && value !== null;
}
