import { z } from "zod";
import { applyOperations, operationSchema } from "../../kubernetes/json-patch.ts";
import { typeOfKind } from "../../kubernetes/schema.ts";
import { mergeStrategically, PatchError } from "../../kubernetes/strategic-merge.ts";

function hasKeys(map: object): boolean {
  return Object.keys(map).length > 0;
}

const patchSchema = z.strictObject({
  /** Of which of the service's objects, e.g. `Deployment`. */
  kind: z
    .string("Must be the kind of an object of the service, such as Deployment")
    .regex(/^[A-Z][A-Za-z0-9]*$/, "Must be the kind of an object of the service, such as Deployment"),
  /** @default all of that kind */
  name: z.string("Must be the name of an object").min(1, "Must be the name of an object").optional(),
  /** A part of the object, as a strategic merge patch; or a list of operations of JSON Patch (RFC 6902). */
  patch: z.union(
    [
      z.record(z.string(), z.unknown()).refine(hasKeys, "Must change something; remove it otherwise"),
      z.array(operationSchema).min(1, "Must have an operation; remove it otherwise"),
    ],
    "Must be a part of the object, or a list of operations such as {op: remove, path: /spec/strategy}",
  ),
});

/** Changes of the objects of a service beyond its settings, in the order in which they are made. */
export const patchesSchema = z.array(patchSchema, "Must be a list of {kind, patch}");
export type Patch = z.infer<typeof patchSchema>;

/** A patch, and where it is written. */
export interface LocatedPatch extends Patch {
  /** E.g. `stacks/Pulumi.dev.yaml: services.link.patches.0`. */
  readonly location: string;
  /** Whether it is meant for all services, of which some may have no such object. */
  readonly shared: boolean;
}

/** An object of Kubernetes as plain data. */
export type PlainObject = Readonly<Record<string, unknown>>;

/** @returns or why the patch cannot be made, as part of a message that names the patch */
export function patched(
  object: PlainObject,
  { kind, patch }: Patch,
): { readonly object: PlainObject } | { readonly problem: string } {
  if (!Array.isArray(patch)) {
    if (patch["$patch"] !== undefined && patch["$patch"] !== "merge")
      return {
        problem: "$patch: must be merge, or not be there: no patch takes an object away or puts another in its place",
      };
    try {
      return { object: mergeStrategically(object, patch, typeOfKind(String(object["apiVersion"]), kind)) };
    } catch (error) {
      if (error instanceof PatchError) return { problem: `${error.path.join(".")}: ${error.message}` };
      throw error;
    }
  }
  return applyOperations(object, patch);
}
