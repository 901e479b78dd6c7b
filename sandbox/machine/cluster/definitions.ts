import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { retry } from "../../../core/retry.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { parseManifests } from "../../../kubernetes/manifests.ts";
import { nameOf } from "../../../kubernetes/object.ts";
import { applyObject } from "./api.ts";

const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/**
 * Defines the kinds of a folder's files, and waits until they are served.
 * @param api where, e.g. `/apis/gateway.networking.k8s.io/v1`
 */
export async function defineKinds(client: KubernetesClient, folder: string, api: string): Promise<void> {
  const definitions = readdirSync(folder).flatMap((file) => {
    const parsed = parseManifests(readFileSync(join(folder, file), "utf8"));
    if ("problem" in parsed) throw new Error(`${join(folder, file)} ${parsed.problem}`);
    return parsed.objects;
  });
  for (const definition of definitions)
    await applyObject(client, `${definitionsPath}/${nameOf(definition)}`, definition);
  const kinds = new Set(definitions.map((definition) => kindSchema.parse(definition).spec.names.kind));
  await untilServed(client, api, kinds);
}

const kindSchema = z.object({ spec: z.object({ names: z.object({ kind: z.string() }) }) });
const resourcesSchema = z.object({ resources: z.array(z.object({ kind: z.string() })) });

/** A definition is established before its kind is served. */
export async function untilServed(client: KubernetesClient, api: string, kinds: ReadonlySet<string>): Promise<void> {
  await retry(
    async () => {
      const { resources } = resourcesSchema.parse(await client.request("GET", api));
      const served = new Set(resources.map(({ kind }) => kind));
      const missing = [...kinds].filter((kind) => !served.has(kind));
      if (missing.length > 0) throw new Error(`the API server does not serve ${missing.join(", ")} at ${api}`);
    },
    { pauses: Array.from({ length: 300 }, () => 100) },
  );
}
