import type { EngineEvent as SentEvent } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { EngineTimeoutError } from "./pulumi-command.ts";

/** What one run of the engine came to. */
export interface EngineRun {
  /** As the engine sends them, in their order; `engineEventSchema` reads them. */
  readonly events: readonly unknown[];
  /** Why the run failed; `undefined`: it did not, or its events say why. */
  readonly failure?: string | undefined;
  /** Whether it was stopped before its end, so that its events say only a part. */
  readonly stopped?: boolean;
}

/**
 * Runs the engine and collects its events. A run that fails is a result, too.
 * @param explain says why it failed, where the events do not
 */
export async function runEngine(
  operation: (onEvent: (event: SentEvent) => void) => Promise<unknown>,
  explain: (error: unknown, events: readonly SentEvent[]) => string | undefined,
): Promise<EngineRun> {
  const events: SentEvent[] = [];
  try {
    await operation((event) => void events.push(event));
    return { events };
  } catch (error) {
    if (error instanceof EngineTimeoutError) return { events, failure: error.message, stopped: true };
    return { events, failure: explain(error, events) };
  }
}

const resourceStateSchema = z.object({
  custom: z.boolean().default(false),
  inputs: z.unknown().optional(),
  outputs: z.unknown().optional(),
  retainOnDelete: z.boolean().optional(),
});

const stepSchema = z.object({
  op: z.string(),
  urn: z.string(),
  type: z.string(),
  old: resourceStateSchema.nullish(),
  new: resourceStateSchema.nullish(),
  keys: z.array(z.string()).nullish(),
  diffs: z.array(z.string()).nullish(),
  detailedDiff: z.record(z.string(), z.object({ diffKind: z.string().default("update") })).nullish(),
});

/** Of the engine's events, what is read here; they have much more. */
export const engineEventSchema = z.object({
  /** Before a step. */
  resourcePreEvent: z.object({ metadata: stepSchema }).optional(),
  /** After a step. */
  resOutputsEvent: z.object({ metadata: stepSchema }).optional(),
  diagnosticEvent: z.object({ severity: z.string(), message: z.string(), urn: z.string().optional() }).optional(),
  policyEvent: z
    .object({
      policyName: z.string(),
      enforcementLevel: z.string(),
      message: z.string(),
      resourceUrn: z.string().optional(),
    })
    .optional(),
});
export type EngineEvent = z.infer<typeof engineEventSchema>;
/** What the engine does with one resource, or would do. */
export type EngineStep = z.infer<typeof stepSchema>;
