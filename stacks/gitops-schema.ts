import { z } from "zod";

const argoCdSchema = z.strictObject({
  /** Where Argo CD runs. @default argocd */
  namespace: z.string().default("argocd"),
  /** The version of the official chart `argo-cd`. @default the one this program is tested with */
  chartVersion: z.string("Must be a version; quote it").default("10.1.1"),
  /** Two of each controller, and Redis as a cluster. @default false */
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
  argoCd: argoCdSchema.prefault({}),
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
  /** The version of the official chart `argocd-image-updater`, for `registry-watch`. @default the one this program is tested with */
  imageUpdaterChartVersion: z.string("Must be a version; quote it").default("1.2.4"),
});
