import { readFileSync } from "node:fs";
import { z } from "zod";
import type { MirrorAnswer } from "./answer.ts";

/** The registry that has the images which users have provided, and the login there. */
export const providedRegistrySchema = z.strictObject({
  url: z.url(),
  username: z.string(),
  password: z.string(),
});
export type ProvidedRegistry = z.infer<typeof providedRegistrySchema>;

/** Where an image is that a user has provided, on the sandbox's own registry. @param host with its port */
export function providedName(host: string, name: string): string {
  return `provided/${host.replace(":", "-")}/${name}`;
}

/**
 * Serves what users have provided, from the sandbox's registry, without a login: who builds with it has none.
 * @param file with the registry and its login, as a {@link ProvidedRegistry} in JSON
 * @returns answers the path below the registry's API: for Docker Hub as there, for others after their host
 */
export function providedImageMirror(file: string): (path: string, method: string) => Promise<MirrorAnswer | undefined> {
  const { url, username, password } = providedRegistrySchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return async (path, method) => {
    const [, host = "docker.io", rest] =
      /^(?:([\w-]*\.[\w.-]+|[\w.-]+:\d+)\/)?(.+\/(?:manifests|blobs)\/.+)$/.exec(path) ?? [];
    if (rest === undefined) return undefined;
    const accept = [
      "application/vnd.oci.image.index.v1+json",
      "application/vnd.docker.distribution.manifest.list.v2+json",
      "application/vnd.oci.image.manifest.v1+json",
      "application/vnd.docker.distribution.manifest.v2+json",
      "*/*",
    ];
    const headers = { authorization, accept: accept.join(", ") };
    // Where the registry is not there at the moment, others may have the image.
    const answer = await fetch(`${url}/v2/${providedName(host, rest)}`, { headers, method }).catch(() => undefined);
    if (answer?.ok !== true) {
      await answer?.body?.cancel();
      return undefined;
    }
    const digest = answer.headers.get("docker-content-digest");
    return {
      content: { stream: answer.body, length: Number(answer.headers.get("content-length")) },
      type: answer.headers.get("content-type") ?? "application/octet-stream",
      ...(digest === null ? {} : { headers: { "docker-content-digest": digest } }),
    };
  };
}
