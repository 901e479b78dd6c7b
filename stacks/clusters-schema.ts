import { z } from "zod";
import { inClusterName } from "../core/names.ts";
import { nonEmpty } from "../core/problem.ts";

/** A further cluster of the environment. */
const furtherClusterSchema = z.strictObject({
  /** What people call it. */
  name: nonEmpty("what people call the cluster")
    .regex(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/, "Must be 1 to 22 lower case letters, digits and '-'")
    .refine(
      (name) => name !== inClusterName,
      `Is what Argo CD calls its own cluster, that of \`cluster\`; take another name`,
    ),
  /** When it gets a release: with the environment's own cluster, which is in the first wave, or after what was in the wave before has proved itself. */
  wave: z.int("Must be a whole number").min(1, "Must be at least 1, the wave of the environment's own cluster"),
  /** Its context in the kubeconfig, with which this program and the commands reach it. */
  context: nonEmpty("the context of the cluster in the kubeconfig"),
  /** Where Argo CD reaches its API server. */
  server: z
    .url({ protocol: /^https$/, error: "Must be the URL of the API server, such as https://eu.k8s.acme.example:6443" })
    .regex(/[^/]$/, "Must not end with a slash: Argo CD takes it for another cluster then"),
  /** The name of the secret with the token that Argo CD has there: of a service account that may write in the environment's namespace. */
  token: nonEmpty("the name of the secret with Argo CD's token"),
  /** The certificate of its authority, as PEM. @default one that Argo CD's image trusts */
  ca: z
    .string()
    .regex(
      /^-----BEGIN CERTIFICATE-----[^]*-----END CERTIFICATE-----\s*$/,
      "Must be a certificate as PEM, from -----BEGIN CERTIFICATE----- on",
    )
    .optional(),
});

/** The clusters of an environment beside its own. @default none */
export const clustersSchema = z
  .array(furtherClusterSchema, "Must be a list of clusters")
  .min(1, "Has no cluster; remove it where the environment has one cluster");
