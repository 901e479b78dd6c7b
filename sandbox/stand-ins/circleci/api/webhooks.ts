import { randomUUID } from "node:crypto";
import type { Webhook } from "../state.ts";
import { badRequest, notFound } from "./api-error.ts";
import { inputOf, isUuid, pathPart, type Input } from "./input.ts";
import { page } from "./page.ts";
import { projectById } from "./projects.ts";
import { created, messageResponse, ok, route, type ApiRequest, type Json, type Route } from "./router.ts";

/** Outbound webhooks. Source: https://circleci.com/docs/api/v2/ (tag Webhook). They are kept, not delivered. */
export const webhookRoutes: readonly Route[] = [
  route("GET", "/webhook", (request) => {
    const scope = request.query.get("scope-id") ?? "";
    if (request.query.get("scope-type") !== "project") throw badRequest("scope-type: must be project.");
    projectById(request.state, scope);
    return page(request, request.state.webhooks.filter((webhook) => webhook.scope.id === scope).map(webhookView));
  }),
  route("POST", "/webhook", (request) => {
    const input = inputOf(request);
    const scope = input.object("scope");
    const now = new Date().toISOString();
    const webhook: Webhook = {
      id: randomUUID(),
      scope: { id: projectById(request.state, scope.string("id")).id, type: scope.oneOf("type", ["project"]) },
      createdAt: now,
      updatedAt: now,
      name: input.string("name"),
      url: httpsUrl(input),
      events: events(input),
      verifyTls: input.optionalBoolean("verify-tls") ?? true,
      signingSecret: input.string("signing-secret"),
    };
    request.state.webhooks.push(webhook);
    return created(webhookView(webhook));
  }),
  route("GET", "/webhook/{webhook}", (request) => ok(webhookView(webhookOf(request)))),
  route("PUT", "/webhook/{webhook}", (request) => {
    const webhook = webhookOf(request);
    const input = inputOf(request);
    if (input.has("name")) webhook.name = input.string("name");
    if (input.has("url")) webhook.url = httpsUrl(input);
    if (input.has("events")) webhook.events = events(input);
    if (input.has("verify-tls")) webhook.verifyTls = input.boolean("verify-tls");
    if (input.has("signing-secret")) webhook.signingSecret = input.string("signing-secret");
    webhook.updatedAt = new Date().toISOString();
    return ok(webhookView(webhook));
  }),
  route("DELETE", "/webhook/{webhook}", (request) => {
    const { id } = webhookOf(request);
    request.state.webhooks = request.state.webhooks.filter((webhook) => webhook.id !== id);
    return messageResponse("Webhook deleted.");
  }),
];

function webhookOf(request: ApiRequest): Webhook {
  const id = pathPart(request, "webhook");
  if (!isUuid(id)) throw badRequest("The webhook ID provided is invalid.");
  const webhook = request.state.webhooks.find((known) => known.id === id.toLowerCase());
  if (webhook === undefined) throw notFound("Webhook");
  return webhook;
}

function httpsUrl(input: Input): string {
  const url = input.string("url");
  if (!URL.canParse(url) || new URL(url).protocol !== "https:") throw badRequest("url: must be an https URL.");
  return url;
}

function events(input: Input): string[] {
  const names = input.strings("events");
  if (names.length === 0 || !names.every((name) => name === "workflow-completed" || name === "job-completed")) {
    throw badRequest("events: must be a list of workflow-completed and job-completed.");
  }
  return names;
}

function webhookView(webhook: Webhook): Json {
  return {
    id: webhook.id,
    name: webhook.name,
    url: webhook.url,
    events: webhook.events,
    "verify-tls": webhook.verifyTls,
    "signing-secret": "****",
    scope: { ...webhook.scope },
    "created-at": webhook.createdAt,
    "updated-at": webhook.updatedAt,
    // The official provider reads the times under these names.
    created_at: webhook.createdAt,
    updated_at: webhook.updatedAt,
  };
}
