import { z } from "zod";
import { listCircleCi, type CircleCiAccess } from "./api.ts";

const contextSchema = z.object({ id: z.string(), name: z.string() });
const variableSchema = z
  .object({ variable: z.string(), updated_at: z.string() })
  .transform(({ variable, updated_at }) => ({ name: variable, updatedAt: updated_at }));
const restrictionSchema = z
  .object({ id: z.string(), name: z.string().nullish(), restriction_type: z.string(), restriction_value: z.string() })
  .transform(({ id, name, restriction_type, restriction_value }) => ({
    id,
    name: name ?? "",
    type: restriction_type,
    value: restriction_value,
  }));

/** A variable of a context; its value cannot be read. */
export type ContextVariable = z.infer<typeof variableSchema>;
/** Who may use a context. */
export type ContextRestriction = z.infer<typeof restrictionSchema>;

/** @returns `undefined`: the organization has no context of that name */
export async function findContext(
  access: CircleCiAccess,
  organizationId: string,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = `/context?owner-id=${encodeURIComponent(organizationId)}`;
  return (await listCircleCi(access, path, contextSchema, signal)).find((context) => context.name === name)?.id;
}

export function contextVariables(access: CircleCiAccess, id: string, signal: AbortSignal): Promise<ContextVariable[]> {
  return listCircleCi(access, `/context/${encodeURIComponent(id)}/environment-variable`, variableSchema, signal);
}

export function contextRestrictions(
  access: CircleCiAccess,
  id: string,
  signal: AbortSignal,
): Promise<ContextRestriction[]> {
  return listCircleCi(access, `/context/${encodeURIComponent(id)}/restrictions`, restrictionSchema, signal);
}
