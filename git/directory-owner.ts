import { z } from "zod";
import { parseYaml, writeYaml } from "../core/yaml.ts";
import type { Snapshot } from "./snapshot.ts";

const ownerSchema = z.object({
  stack: z.string(),
  location: z.string(),
  records: z.array(z.string()),
  signedBy: z.array(z.string()).optional(),
});

/** Who declares the manifests of a directory in the deploy repository. It stands there in a file of its own. */
export interface DirectoryOwner {
  /** `project/stack`. */
  readonly stack: string;
  /** The repository, branch and directory as that stack writes them. */
  readonly location: string;
  /** The release records that it created, and so takes away again. */
  readonly records: readonly string[];
  /** Whose signed commits count, each as name and fingerprint. @default commits are not signed */
  readonly signedBy?: readonly string[] | undefined;
}

/** Where the owner of a directory is noted. */
export function ownerFile(directory: string): string {
  return `${directory}/.delivery.yaml`;
}

/** @returns `undefined` if nobody has claimed the directory */
export async function readOwner(snapshot: Snapshot, directory: string): Promise<DirectoryOwner | undefined> {
  const file = ownerFile(directory);
  const text = (await snapshot.read([file])).get(file);
  if (text === undefined) return undefined;
  const content = parseYaml(text);
  // A file that someone has edited until it is no YAML says as little as none.
  const owner = ownerSchema.safeParse("problem" in content ? undefined : content.value);
  return owner.success ? owner.data : undefined;
}

/** The content of the owner's file. */
export function writeOwner(owner: DirectoryOwner): string {
  return `# Pulumi writes the manifests of this directory; change them in the stack.\n${writeYaml({ ...owner, records: owner.records.toSorted() })}`;
}
