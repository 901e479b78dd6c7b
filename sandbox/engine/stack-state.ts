import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { OutputMap, UpdateSummary } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";

/** Marks a secret among plain values: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go */
const secretMark = "1b47061264138c4ac30d75fd1eb44270";

const checkpointSchema = z.object({
  checkpoint: z.object({
    latest: z
      .object({ resources: z.array(z.unknown()).optional(), pending_operations: z.array(z.unknown()).optional() })
      .optional(),
  }),
});
const stackResourceSchema = z.object({
  type: z.literal("pulumi:pulumi:Stack"),
  outputs: z.record(z.string(), z.unknown()).default({}),
});

/** What the engine notes of an update; times are in seconds since 1970. */
const updateSchema = z.object({
  kind: z.enum(["update", "preview", "refresh", "rename", "destroy", "import"]),
  startTime: z.number(),
  endTime: z.number(),
  message: z.string(),
  version: z.number().default(0),
  environment: z.record(z.string(), z.string()),
  result: z.enum(["not-started", "in-progress", "succeeded", "failed"]),
  resourceChanges: z.record(z.string(), z.number()).nullish(),
});

/**
 * A stack in a local backend, as the engine has written it there. To ask the CLI takes the start of a process each time, and
 * the Automation API asks it four times around an update. What is `undefined` only the CLI can tell.
 * Source: https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/state.go
 */
export class StackState {
  readonly #file: string;
  readonly #history: string;

  /** @param backend the backend's directory */
  constructor(backend: string, project: string, stack: string) {
    const base = join(backend, ".pulumi");
    this.#file = join(base, "stacks", project, `${stack}.json`);
    this.#history = join(base, "history", project, stack);
  }

  /** `false` also where the backend compresses it. */
  get exists(): boolean {
    return existsSync(this.#file);
  }

  /** Whether an update was interrupted while it changed something. */
  get hasPendingOperations(): boolean | undefined {
    const pending = this.#latest()?.pending_operations;
    return this.exists ? (pending?.length ?? 0) > 0 : undefined;
  }

  /** The outputs of the last update, if none of them is secret. */
  get outputs(): OutputMap | undefined {
    const resources = this.#latest()?.resources;
    const stack = resources?.map((one) => stackResourceSchema.safeParse(one).data).find((one) => one !== undefined);
    if (stack === undefined || JSON.stringify(stack.outputs).includes(secretMark)) return undefined;
    return Object.fromEntries(Object.entries(stack.outputs).map(([key, value]) => [key, { value, secret: false }]));
  }

  /** The last update, without the settings that it had. */
  get lastUpdate(): UpdateSummary | undefined {
    const newest = globSync(join(this.#history, "*.history.json")).toSorted().at(-1);
    if (newest === undefined) return undefined;
    const update = updateSchema.parse(JSON.parse(readFileSync(newest, "utf8")));
    return {
      ...update,
      config: {},
      startTime: new Date(update.startTime * 1000),
      endTime: new Date(update.endTime * 1000),
      resourceChanges: update.resourceChanges ?? {},
    };
  }

  #latest(): z.infer<typeof checkpointSchema>["checkpoint"]["latest"] {
    if (!this.exists) return undefined;
    return checkpointSchema.parse(JSON.parse(readFileSync(this.#file, "utf8"))).checkpoint.latest;
  }
}
