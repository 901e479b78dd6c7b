import { z } from "zod";
import { mountPathSchema } from "./mounts.ts";

/** The size of a volume, such as 1Gi. */
export const volumeSizeSchema = z
  .string("Must be a size such as 1Gi")
  .regex(/^[1-9]\d*(Mi|Gi|Ti)$/, "Must be a size such as 1Gi");

const volumeSchema = z.strictObject({
  /** Where its container finds it. */
  path: mountPathSchema.refine(
    (path) => path !== "/tmp",
    "Is a directory of every pod that is empty at each start; choose another one",
  ),
  /** It can grow where its storage class lets volumes grow, and never shrink. */
  size: volumeSizeSchema,
  /** @default the cluster's own */
  storageClass: z
    .string("Must be the name of a StorageClass")
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "Is not the name of a StorageClass")
    .optional(),
  /** Who may write at once: the pods of one node, one pod, or all pods. @default ReadWriteOnce */
  accessMode: z
    .enum(
      ["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"],
      "Must be ReadWriteOnce, ReadWriteOncePod or ReadWriteMany",
    )
    .optional(),
  /** Whether every pod has one of its own, which it finds again under its own stable name. @default false: all share it */
  perPod: z.boolean("Must be true or false").optional(),
  /**
   * What becomes of its data when the volume, the service or the environment is no more: `Retain` keeps the claim, and with it the
   * namespace; `Delete` deletes it. @default Retain
   */
  whenDeleted: z.enum(["Retain", "Delete"], "Must be Retain or Delete").optional(),
});
/** A volume that keeps data of a service. */
export type Volume = z.infer<typeof volumeSchema>;

/** What pods call the volumes of their `files`. */
export const fileVolumeNames = ["files", "secret-files"];

const volumeNameSchema = z
  .string()
  .max(30, "Must have at most 30 characters")
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, "Must be lower case letters, digits and '-', starting with a letter")
  .refine((name) => !name.startsWith("scratch-"), "Is like the name of a scratch directory; choose another one")
  .refine((name) => !fileVolumeNames.includes(name), "Is what the volume of `files` is called; choose another one");

const volumesMessage = "Must be a map of names and volumes, such as {data: {path: /data, size: 1Gi}}";

/** The volumes of a service, by name. */
export const volumesSchema = z.record(volumeNameSchema, volumeSchema, volumesMessage);

/** What one layer of settings says of them. */
export const volumesLayerSchema = z.record(volumeNameSchema, volumeSchema.partial(), volumesMessage);

/** The PersistentVolumeClaim of a volume that the pods of a service share. */
export function claimName(service: string, volume: string): string {
  return `${service}-${volume}`;
}

/** The Service by which the pods of a service are found one by one. */
export function headlessName(service: string): string {
  return `${service}-pods`;
}

/** Whether each of its pods has data of its own. */
export function hasPodVolumes({
  volumes = {},
}: {
  readonly volumes?: Readonly<Record<string, Volume>> | undefined;
}): boolean {
  return Object.values(volumes).some(({ perPod }) => perPod === true);
}
