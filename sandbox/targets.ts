import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const targetsSchema = z.strictObject({
  /** The registry as image names have it, e.g. `localhost:5001`. */
  registryHost: z.string(),
  circleci: z.strictObject({ url: z.url(), organizationId: z.uuid() }),
  kubeconfigPath: z.string(),
  /** The deploy repository; none with delivery `direct`. */
  deployRepository: z.url().optional(),
  /** The source repository, which CI checks out, and the API of its host; none with delivery `direct`. */
  sourceRepository: z.url().optional(),
  githubApi: z.url().optional(),
});

/** Where the parts of a running sandbox are that its stack points at. */
export type StackTargets = z.infer<typeof targetsSchema>;

const fileOf = (stateDir: string): string => join(stateDir, "targets.json");

/** The targets of this sandbox; `undefined` as long as it has never been up. */
export function loadTargets(stateDir: string): StackTargets | undefined {
  const file = fileOf(stateDir);
  return existsSync(file) ? targetsSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

export function saveTargets(stateDir: string, targets: StackTargets): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(`${fileOf(stateDir)}.new`, JSON.stringify(targets, undefined, 2));
  renameSync(`${fileOf(stateDir)}.new`, fileOf(stateDir));
}
