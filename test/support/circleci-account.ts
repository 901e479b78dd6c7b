import { readFileSync } from "node:fs";
import { z } from "zod";
import type { CircleCiEndpoint } from "../../sandbox/stand-ins/circleci/start.ts";

const contextSchema = z.object({ id: z.string(), name: z.string() });
const variableSchema = z.object({ variable: z.string(), updated_at: z.string() });
const restrictionSchema = z.object({ restriction_type: z.string(), restriction_value: z.string() });
const stateSchema = z.object({ projects: z.array(z.object({ id: z.string(), name: z.string() })) });

/** What an organization has at CircleCI's API. */
export interface CircleCi {
  /** The contexts of that name; more than one never exist. */
  contexts(name: string): Promise<{ id: string; name: string }[]>;
  /** The names of a context's variables, sorted. */
  variables(context: string): Promise<string[]>;
  restrictions(context: string): Promise<{ restriction_type: string; restriction_value: string }[]>;
  /** The projects of that name. The API has no list of them, so this is from the stand-in's own file. */
  projects(name: string): { id: string; name: string }[];
  /** A request of any kind. @throws Error where the answer is not a success */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
}

export function openCircleCi({ url, organizationId }: CircleCiEndpoint, token: string, stateFile: string): CircleCi {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const headers = { "Circle-Token": token, "Content-Type": "application/json" };
    const response = await fetch(`${url.replace(/\/$/, "")}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const list = async <Item>(path: string, schema: z.ZodType<Item>): Promise<Item[]> =>
    z.object({ items: z.array(schema) }).parse(await call("GET", path)).items;
  return {
    call,
    contexts: async (name) =>
      (await list(`/context?owner-id=${organizationId}`, contextSchema)).filter((context) => context.name === name),
    variables: async (context) =>
      (await list(`/context/${context}/environment-variable`, variableSchema))
        .map(({ variable }) => variable)
        .toSorted(),
    restrictions: (context) => list(`/context/${context}/restrictions`, restrictionSchema),
    projects: (name) =>
      stateSchema
        .parse(JSON.parse(readFileSync(stateFile, "utf8")))
        .projects.filter((project) => project.name === name),
  };
}
