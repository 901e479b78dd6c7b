import { z } from "zod";
import { remoteDockerSchema } from "../remote-docker.ts";

/** What jobs may use of the sandbox; the stand-in's process reads it from a file. */
export const jobToolsSchema = z.strictObject({
  /** For `setup_remote_docker`. */
  remoteDocker: remoteDockerSchema.optional(),
  /** Path of the sandbox's server of Redis's protocol. */
  redis: z.string().optional(),
});
export type JobTools = z.infer<typeof jobToolsSchema>;
