import { z } from "zod";
import { dependencySchema } from "../components/service/dependency-settings.ts";
import { settingsLayerSchema } from "../components/service/service.ts";
import { environmentVerifySchema } from "../components/service/verify-settings.ts";
import { nonEmpty } from "../core/problem.ts";
import { schemaVersion } from "../core/schema-version.ts";
import { gitopsSchema } from "./gitops-schema.ts";
import { freezeSchema, windowsSchema } from "./windows-schema.ts";
import { ciSchema } from "./ci-schema.ts";
import { clusterSchema } from "./cluster-schema.ts";
import { clustersSchema } from "./clusters-schema.ts";
import { imagesSchema } from "./images-schema.ts";

const appSchema = z.strictObject({
  /** The first part of every name: images, contexts, namespaces. */
  name: nonEmpty("the short name of the product").regex(
    /^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/,
    "Must be 1 to 32 lower case letters, digits and '-', starting with a letter",
  ),
  /** The root of the monorepo, relative to this program. */
  directory: nonEmpty("the root of the monorepo, relative to the program"),
  /** The directories of the services below it. @default svc/* */
  services: z.string().default("svc/*"),
  /** The file in which a service says what it needs, where that name is taken already. @default service.yaml */
  serviceFile: z
    .string()
    .regex(/^[\w.-]+\.ya?ml$/, "Must be the name of a file such as delivery.yaml")
    .exactOptional(),
});

/** The monorepo on GitHub. */
const githubSchema = z.strictObject({
  repository: z
    .string("Set it to the monorepo on GitHub, as owner/name")
    .regex(/^[\w.-]+\/[\w.-]+$/, "Must be owner/name"),
  /** What is merged there is delivered. @default the default branch of the checkout's remote */
  branch: z.string().optional(),
  /** The base URL of the API. @default GitHub's own */
  api: z
    .url("Must be a URL such as https://api.github.com")
    .regex(/[^/]$/, "Must not end with a slash")
    .default("https://api.github.com"),
  /** Whether what runs in this environment gets versions: tags of the monorepo such as `link/v1.4.0`. @default false */
  versionTags: z.boolean("Must be true or false").default(false),
  /** Whether comments may promote to this environment and roll it back, where `delivery serve` listens. @default false */
  commands: z.boolean("Must be true or false").default(false),
});

/** Where the environment's digests come from, and what must hold before they do. */
const promotionSchema = z
  .strictObject({
    /** The environment whose digests are promoted to this one. */
    from: nonEmpty("the name of the environment before this one"),
    /** How long they must have been Healthy there, in minutes. @default not checked */
    healthyMinutes: z.number("Must be a number of minutes").min(0, "Must not be negative").optional(),
    /** Whether a person must approve. @default false */
    approval: z.boolean("Must be true or false").default(false),
    /** Whether what a pull request with the label `delivery/hold` has changed stays out; GitHub is asked. @default false */
    holds: z.boolean("Must be true or false").default(false),
    /** A command that must succeed, run in the program's directory. @default none */
    test: z.string("Must be a command").min(1, "Must be a command").optional(),
    /**
     * Whether `promote` copies the images, with all that is attached to them, to where `images` of this stack says: this environment
     * pulls from a registry or organization of its own. @default false: they are there already, or come by themselves
     */
    copyImages: z.boolean("Must be true or false").default(false),
    /** What a person may choose in CI in place of approving, as `delivery approve` does it. @default nothing: they approve, or do not */
    choices: z
      .array(z.enum(["hold", "take-back"], "Must be hold or take-back"))
      .refine((choices) => new Set(choices).size === choices.length, "Names a choice twice")
      .default([]),
  })
  .superRefine(({ approval, holds, choices }, context) => {
    const refuse = (message: string): void =>
      context.addIssue({ code: "custom", path: ["choices"], message, input: choices });
    if (choices.length > 0 && !approval) refuse("Does nothing unless `approval` is true; set that, too");
    if (choices.includes("hold") && !holds)
      refuse("Has hold, which keeps nothing back unless `holds` is true; set that, too");
  });

/** The keys of a stack file, all under `config:` with the prefix `delivery:`; the secrets among them are apart. */
export const stackSchema = z.strictObject({
  schemaVersion: z.literal(
    schemaVersion,
    `Must be ${schemaVersion}: this program reads version ${schemaVersion} of the stack file; see docs/architecture.md`,
  ),
  environment: z
    .string()
    .regex(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/, "Must be 1 to 22 lower case letters, digits and '-'")
    .optional(),
  app: appSchema,
  images: imagesSchema,
  ci: ciSchema,
  cluster: clusterSchema.prefault({}),
  /** Further clusters on which the environment runs, in waves. @default none */
  clusters: clustersSchema.optional(),
  /** `gitops`: Argo CD applies what is in the deploy repository; `direct`: this program applies the workloads. @default gitops */
  delivery: z.enum(["gitops", "direct"], "Must be gitops or direct").default("gitops"),
  /**
   * For the update before `delivery` changes: what runs on the cluster then outlives its declaration and is adopted.
   * @default false
   */
  handOver: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .default(false),
  gitops: gitopsSchema.optional(),
  github: githubSchema.optional(),
  /** @default none: the environment gets what is merged */
  promotion: promotionSchema.optional(),
  /** What images have to prove once they are released here; those that do not are taken back. @default nothing */
  verify: environmentVerifySchema.optional(),
  /** When what is new may be released here; what comes before waits. @default always */
  windows: windowsSchema.optional(),
  /** When it may not, whatever the windows say. @default never */
  freeze: freezeSchema.optional(),
  /** What several environments share is owned by exactly one stack. */
  owns: z
    .strictObject({
      ciProject: z.boolean("Must be true or false").default(false),
      argoCd: z.boolean("Must be true or false").default(false),
    })
    .prefault({}),
  dependencies: z
    .record(z.string().regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, "Is not a Kubernetes name"), dependencySchema)
    .default({}),
  defaults: settingsLayerSchema
    .refine(({ name }) => name === undefined, {
      path: ["name"],
      message: "Is the name of one service; write it into its service.yaml, or as its key in `services`",
    })
    .default({}),
  services: z.record(z.string(), settingsLayerSchema).default({}),
});
export type StackSettings = z.infer<typeof stackSchema>;

/** How to set the password of the registry. */
export const passwordHint =
  "set it to the password or token of images.username with `pulumi config set --secret registryPassword`";

/** How to set the token of CircleCI. */
export const circleCiTokenHint = "a personal API token of CircleCI with `pulumi config set --secret circleciToken`";

/** The stack's secrets, set with `pulumi config set --secret`. */
export const secretsSchema = z.strictObject({
  registryPassword: z.string().min(1, `Must not be empty; ${passwordHint}`).optional(),
  /** @default none, which only stacks with another `ci.engine` do without */
  circleciToken: nonEmpty(circleCiTokenHint).optional(),
  kubeconfig: z.string().min(1).optional(),
  /** The token with which Argo CD reads the deploy repository. */
  gitToken: z.string().min(1).optional(),
  /** With which Argo CD lists the pull requests that get a preview environment; without it, the repository is public. */
  githubToken: z.string().min(1).optional(),
  secrets: z.record(z.string(), z.string("Must be a string; quote it")).default({}),
});
