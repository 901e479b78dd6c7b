import { z } from "zod";
import { remoteDockerSchema } from "../../machine/images/buildkit.ts";

/** How the stand-in and GitHub know each other. */
export const gitHubConnectionSchema = z.strictObject({
  /** Base URL of its API. */
  api: z.url(),
  token: z.string().min(1),
  /** With which it signs webhooks. */
  webhookSecret: z.string().min(1),
});
export type GitHubConnection = z.infer<typeof gitHubConnectionSchema>;

/** What jobs may use of the sandbox; the stand-in's process reads it from a file. */
export const jobToolsSchema = z.strictObject({
  /** For `setup_remote_docker`. */
  remoteDocker: remoteDockerSchema.optional(),
  /** Path of the sandbox's server of Redis's protocol. */
  redis: z.string().optional(),
});
export type JobTools = z.infer<typeof jobToolsSchema>;
