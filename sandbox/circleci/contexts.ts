import { randomUUID } from "node:crypto";
import { ApiError, badRequest, conflict, notFound } from "./api-error.ts";
import { inputOf, isUuid, pathPart } from "./input.ts";
import type { Input } from "./input.ts";
import { organizationAt } from "./organizations.ts";
import { page } from "./page.ts";
import { message, ok, route } from "./router.ts";
import type { ApiRequest, Json, Route } from "./router.ts";
import type { Context, Organization, State } from "./state.ts";

/**
 * Contexts. Source: https://circleci.com/docs/api/v2/ (tag Context); the words of the two refusals are those that users of
 * CircleCI's command line tool report (circleci-cli issues 454 and 1192).
 */
export const contextRoutes: readonly Route[] = [
  route("GET", "/context", (request) => {
    const organization = ownerOfQuery(request);
    const name = request.query.get("name");
    const contexts = request.state.contexts.filter(
      (context) => context.organizationId === organization.id && (name === null || context.name === name),
    );
    return page(request, contexts.map(view));
  }),
  route("POST", "/context", (request) => {
    const { state } = request;
    const input = inputOf(request);
    const name = input.string("name");
    const organization = ownerOfInput(state, input.object("owner"));
    const siblings = state.contexts.filter((context) => context.organizationId === organization.id);
    if (siblings.some((context) => context.name === name)) throw conflict("A context already exists with this name");
    if (siblings.length >= 500) throw badRequest("An organization can have up to 500 contexts.");
    const context: Context = {
      id: randomUUID(),
      organizationId: organization.id,
      name,
      createdAt: new Date().toISOString(),
      variables: [],
      // Every new context is open to the whole organization, which the API shows as a restriction to its group of all members.
      restrictions: [{ id: organization.id, type: "group", value: organization.id, name: "All members" }],
    };
    state.contexts.push(context);
    return ok(view(context));
  }),
  route("GET", "/context/{context}", (request) => ok(view(contextOf(request)))),
  route("DELETE", "/context/{context}", (request) => {
    const { id } = contextOf(request);
    request.state.contexts = request.state.contexts.filter((context) => context.id !== id);
    return message("Context deleted.");
  }),
];

/** The context that the path names. */
export function contextOf(request: ApiRequest): Context {
  const id = pathPart(request, "context");
  if (!isUuid(id)) throw badRequest("context_id is invalid.");
  const context = request.state.contexts.find((known) => known.id === id.toLowerCase());
  if (context === undefined) throw notFound("Context");
  return context;
}

function ownerOfQuery({ state, query }: ApiRequest): Organization {
  const id = query.get("owner-id") ?? undefined;
  const slug = query.get("owner-slug") ?? undefined;
  if ((id === undefined) === (slug === undefined)) throw badRequest("Specify either owner-id or owner-slug.");
  return owner(state, id, slug);
}

function ownerOfInput(state: State, input: Input): Organization {
  const type = input.optionalString("type") ?? "organization";
  if (type !== "organization")
    throw badRequest("owner.type: must be organization; accounts own contexts on CircleCI server only.");
  const id = input.optionalString("id");
  return owner(state, id, id === undefined ? input.string("slug") : undefined);
}

function owner(state: State, id: string | undefined, slug: string | undefined): Organization {
  if (id !== undefined && !isUuid(id)) throw badRequest("The owner ID provided is invalid.");
  const [vcs, part] = id === undefined ? (slug ?? "").split("/") : ["circleci", id];
  try {
    return organizationAt(state, vcs ?? "", part ?? "");
  } catch {
    throw new ApiError(404, "The requested owner does not exist or you don't have permission to list its contexts.");
  }
}

function view(context: Context): Json {
  return { id: context.id, name: context.name, created_at: context.createdAt };
}
