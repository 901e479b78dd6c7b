import { verify } from "@octokit/webhooks-methods";
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { parsedJson } from "../../core/json.ts";
import { chatCommentSchema, type ChatComment } from "../github/chat.ts";

/** The environment variable with the secret that GitHub signs webhooks with. */
export const webhookSecretVariable = "DELIVERY_WEBHOOK_SECRET";

/** What a webhook says that counts here. Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads */
export type WebhookEvent =
  | { readonly kind: "comment"; readonly repository: string; readonly comment: ChatComment }
  | { readonly kind: "closed"; readonly repository: string; readonly pullRequest: number };

/** A webhook that is what it should be; `event` is missing where it says nothing that counts. */
export interface Webhook {
  /** The same where GitHub sends the same again. */
  readonly delivery: string;
  readonly event?: WebhookEvent;
}

/** The answer to a request that is no webhook of GitHub's. */
export class WebhookRefusal extends Error {
  override readonly name = "WebhookRefusal";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Bytes. What is listened to is small; GitHub itself sends up to 25 MB. */
const largestBody = 1024 * 1024;

/**
 * Reads a webhook. Nothing of it is looked at before its signature, which is compared in constant time.
 * @throws WebhookRefusal
 */
export async function readWebhook(request: IncomingMessage, secret: string): Promise<Webhook> {
  const body = await readBody(request);
  const signature = header(request, "x-hub-signature-256") ?? "";
  if (!/^sha256=[0-9a-f]{64}$/.test(signature) || !(await verify(secret, body, signature)))
    throw new WebhookRefusal(401, "X-Hub-Signature-256 is missing, or not made with the secret");
  const delivery = header(request, "x-github-delivery") ?? "";
  if (!/^[\w-]{1,100}$/.test(delivery)) throw new WebhookRefusal(400, "X-GitHub-Delivery is missing");
  const payload = parsedJson(body);
  if (payload === undefined)
    throw new WebhookRefusal(415, "The body is not JSON; set the webhook's content type to application/json");
  const event = eventOf(header(request, "x-github-event") ?? "", payload);
  return event === undefined ? { delivery } : { delivery, event };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    // Node's types do not say that a request without an encoding has buffers.
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > largestBody) throw new WebhookRefusal(413, "The body is too large");
  }
  return Buffer.concat(parts).toString();
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

const repositorySchema = z.object({ full_name: z.string() });
const commentEventSchema = z.object({
  action: z.literal("created"),
  comment: chatCommentSchema,
  repository: repositorySchema,
});
const closedEventSchema = z.object({ action: z.literal("closed"), number: z.int(), repository: repositorySchema });

/** A comment that is changed commands nothing: only what was written at first does. */
function eventOf(name: string, payload: unknown): WebhookEvent | undefined {
  if (name === "issue_comment") {
    const { data } = commentEventSchema.safeParse(payload);
    return data && { kind: "comment", repository: data.repository.full_name, comment: data.comment };
  }
  if (name === "pull_request") {
    const { data } = closedEventSchema.safeParse(payload);
    return data && { kind: "closed", repository: data.repository.full_name, pullRequest: data.number };
  }
  return undefined;
}
