import { Hono } from "hono";
import { ZodError } from "zod";
import { isSameSecret, webhookSignature } from "../../secrets.ts";
import { parseGitHubEvent } from "../runner/github-event.ts";
import { startsOfEvent } from "../runner/triggers.ts";
import { ApiError, badRequest, type ApiEnv } from "./request.ts";

/**
 * Starts what a webhook of GitHub means, once for each delivery, and answers with the pipelines.
 * @param secret with which GitHub signs them; `undefined`: there is no GitHub
 */
export function githubWebhook(secret: string | undefined): Hono<ApiEnv> {
  return new Hono<ApiEnv>().post("/hooks/github", (c) => {
    const { engine, state, text } = c.var;
    if (secret === undefined) throw new ApiError(404, "This CircleCI was started without GitHub.");
    if (!isSameSecret(c.req.header("x-hub-signature-256") ?? "", webhookSignature(secret, text)))
      throw new ApiError(401, "X-Hub-Signature-256 is missing or wrong.");
    // The same when GitHub sends the same again.
    const delivery = c.req.header("x-github-delivery");
    const known = engine.folder.all().filter(({ trigger }) => delivery !== undefined && trigger.delivery === delivery);
    const event = c.req.header("x-github-event") ?? "";
    const starts = known.length > 0 ? [] : startsOfEvent(state, eventOf(event, text));
    const pipelines = starts.map((start) =>
      engine.start(delivery === undefined ? start : { ...start, trigger: { ...start.trigger, delivery } }),
    );
    return c.json({ pipelines: [...known, ...pipelines].map(({ id, number }) => ({ id, number })) });
  });
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
