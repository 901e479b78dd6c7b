import { createHmac, timingSafeEqual } from "node:crypto";
import { ZodError } from "zod";
import type { PipelineEngine } from "../runner/engine.ts";
import { parseGitHubEvent } from "../runner/github-event.ts";
import { startsOfEvent } from "../runner/triggers.ts";
import type { State } from "../state.ts";
import { ApiError, badRequest } from "./api-error.ts";
import { ok, type ApiResponse } from "./router.ts";

export interface WebhookRequest {
  /** The header `X-GitHub-Event`. */
  event: string;
  /** The header `X-GitHub-Delivery`: the same when GitHub sends the same again. */
  delivery: string | undefined;
  /** The header `X-Hub-Signature-256`. */
  signature: string | undefined;
  body: string;
}

/** Starts what a webhook of GitHub means, once for each delivery, and answers with the pipelines. */
export function answerWebhook(
  engine: PipelineEngine,
  state: State,
  secret: string | undefined,
  { event, delivery, signature, body }: WebhookRequest,
): ApiResponse {
  if (secret === undefined) throw new ApiError(404, "This CircleCI was started without GitHub.");
  if (!isSigned(secret, body, signature)) throw new ApiError(401, "X-Hub-Signature-256 is missing or wrong.");
  const known = engine.folder.all().filter(({ trigger }) => delivery !== undefined && trigger.delivery === delivery);
  const starts = known.length > 0 ? [] : startsOfEvent(state, eventOf(event, body));
  const pipelines = starts.map((start) =>
    engine.start(delivery === undefined ? start : { ...start, trigger: { ...start.trigger, delivery } }),
  );
  return ok({ pipelines: [...known, ...pipelines].map(({ id, number }) => ({ id, number })) });
}

function eventOf(name: string, body: string): ReturnType<typeof parseGitHubEvent> {
  try {
    return parseGitHubEvent(name, JSON.parse(body));
  } catch (error) {
    if (error instanceof ZodError) {
      const [issue] = error.issues;
      throw badRequest(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not as GitHub sends it"}`);
    }
    throw badRequest("The request body is not valid JSON.");
  }
}

function isSigned(secret: string, body: string, signature: string | undefined): boolean {
  const expected = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
  const given = Buffer.from(signature ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
