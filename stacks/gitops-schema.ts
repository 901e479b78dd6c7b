import { z } from "zod";
import { nonEmpty } from "../core/problem.ts";
import { signingSchema } from "./signing-schema.ts";

/** Which release of a product is installed on the cluster. */
const releaseKeys = {
  /** @default the one that this program is tested with */
  version: z
    .string("Must be a version; quote it")
    .regex(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/, "Must be a version such as 3.6.1, without v")
    .optional(),
  /** A copy of the release's manifests: a URL, or a file relative to this program. @default its project's, on GitHub */
  manifests: nonEmpty("a URL, or a file relative to this program")
    .regex(/^(https?:\/\/[^@\s]+|(?!\w+:\/\/).+)$/, "Must be an http(s) URL without a password, or a path")
    .optional(),
};

const imageUpdaterSchema = z.strictObject(releaseKeys);

const rolloutsSchema = z.strictObject({
  /** Where its controller runs. @default argo-rollouts */
  namespace: z.string().default("argo-rollouts"),
  ...releaseKeys,
  /** The plugin that splits requests by the Gateway API, for services with `rollout.router`. @default none */
  gatewayPlugin: z
    .strictObject({
      /** Where its controller fetches it from at every start: a file of the plugin's release, for the nodes' architecture. */
      location: z.url({ protocol: /^https$/, error: "Must be a URL with https" }),
      /** Without it, the controller does not start. */
      sha256: z
        .string("Must be 64 hexadecimal digits; quote it")
        .regex(/^[0-9a-f]{64}$/, "Must be 64 hexadecimal digits"),
    })
    .optional(),
});

const argoCdSchema = z.strictObject({
  /** Where Argo CD runs. @default argocd */
  namespace: z.string().default("argocd"),
  ...releaseKeys,
  /** The release's `ha/install.yaml`: servers in two copies, Redis as a cluster of three. @default false */
  highAvailability: z.boolean("Must be true or false").default(false),
  /** The address under which people reach it, e.g. `argocd.acme.example`; needed for single sign-on. */
  domain: z.string().optional(),
  /** Single sign-on: Dex' configuration. */
  dex: z.record(z.string(), z.unknown()).optional(),
  /** Who may do what: lines of `policy.csv`. */
  rbac: z.array(z.string()).default([]),
  /** Sends the state of every sync to the commit on GitHub, with this GitHub App. */
  commitStatus: z
    .strictObject({
      appId: z.string("Must be a string; quote it"),
      installationId: z.string("Must be a string; quote it"),
      privateKey: z.string("Must be the name of a secret"),
    })
    .optional(),
});

/** The deploy repository, and the Argo CD that watches it. */
export const gitopsSchema = z.strictObject({
  /** The deploy repository: another than the source's, or the same with a branch of its own. */
  repository: z
    .string(`Set it to the URL of the deploy repository`)
    .regex(/^(https?:\/\/[^@\s]+|ssh:\/\/\S+|[^@\s]+@[^:\s]+:\S+)$/, "Must be an https or ssh URL without a password"),
  /** @default main */
  branch: z.string().default("main"),
  /** The user name that goes with the secret `gitToken`. @default x-access-token */
  username: z.string().default("x-access-token"),
  /**
   * Who makes the commits, for hosts that verify it: those of this program and its commands, for which Git's variables go
   * first, and those of the Image Updater that this stack installs. @default `delivery`, and `argocd-image-updater`
   */
  committer: z
    .strictObject({
      name: z
        .string("Set it to the name that commits bear")
        .regex(/^[^<>\p{Cc}]*[\p{L}\p{N}][^<>\p{Cc}]*$/u, "Must be a name, without < and >"),
      email: z
        .string("Set it to an address that the Git host knows of the account that pushes")
        .regex(/^[^<>@\s\p{Cc}]+@[^<>@\s\p{Cc}]+$/u, "Must be an e-mail address"),
    })
    .optional(),
  /** Commits to the deploy repository are signed, and Argo CD or `delivery drift` checks them. @default they are not */
  signing: signingSchema.optional(),
  argoCd: argoCdSchema.prefault({}),
  /**
   * Argo Rollouts, for services with `rollout`: a release that this program installs where it installs Argo CD, or `existing`.
   * @default none
   */
  rollouts: z
    .union([z.literal("existing"), rolloutsSchema], "Must be existing, or the settings of a release")
    .optional(),
  /** What moves a release record: CI by a commit, or a watcher that notices a new image in the registry. @default commit */
  release: z.enum(["commit", "registry-watch"], "Must be commit or registry-watch").default("commit"),
  /** Environments of their own for labelled pull requests, on the cluster of this one. @default none */
  previews: z
    .strictObject({
      /** The label that asks for one. @default preview */
      label: z.string().default("preview"),
      /** How often Argo CD looks for pull requests, in seconds. @default 60 */
      intervalSeconds: z.int("Must be a whole number").min(1, "Must be at least 1").default(60),
    })
    .optional(),
  /** Argo CD Image Updater, for `registry-watch`. */
  imageUpdater: imageUpdaterSchema.prefault({}),
});
