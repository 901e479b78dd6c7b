import { randomUUID } from "node:crypto";
import type { Context, Organization, Restriction, State, Variable } from "../state.ts";
import { ApiError, badRequest, conflict, notFound } from "./api-error.ts";
import { inputOf, isUuid, pathPart, type Input } from "./input.ts";
import { organizationAt } from "./organizations.ts";
import { page } from "./page.ts";
import { created, messageResponse, ok, route, type ApiRequest, type Json, type Route } from "./router.ts";
import { checkVariable, putVariable } from "./variables.ts";

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
    return page(request, contexts.map(contextView));
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
    return ok(contextView(context));
  }),
  route("GET", "/context/{context}", (request) => ok(contextView(contextOf(request)))),
  route("DELETE", "/context/{context}", (request) => {
    const { id } = contextOf(request);
    request.state.contexts = request.state.contexts.filter((context) => context.id !== id);
    return messageResponse("Context deleted.");
  }),
];

/** The context that the path names. */
function contextOf(request: ApiRequest): Context {
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

function contextView(context: Context): Json {
  return { id: context.id, name: context.name, created_at: context.createdAt };
}

const variablesPath = "/context/{context}/environment-variable";

/** A context's environment variables; no answer carries a value. */
export const contextVariableRoutes: readonly Route[] = [
  route("GET", variablesPath, (request) => {
    const context = contextOf(request);
    return page(
      request,
      context.variables.map((variable) => variableView(context, variable)),
    );
  }),
  route("PUT", `${variablesPath}/{name}`, (request) => {
    const context = contextOf(request);
    const name = pathPart(request, "name");
    const value = inputOf(request).string("value");
    checkVariable(name, value);
    const isNew = !context.variables.some((variable) => variable.name === name);
    if (isNew && context.variables.length >= 100)
      throw badRequest("A context can have up to 100 environment variables.");
    return ok(variableView(context, putVariable(context.variables, name, value, new Date().toISOString())));
  }),
  route("DELETE", `${variablesPath}/{name}`, (request) => {
    const context = contextOf(request);
    const name = pathPart(request, "name");
    if (!context.variables.some((variable) => variable.name === name)) throw notFound("Environment variable");
    context.variables = context.variables.filter((variable) => variable.name !== name);
    return messageResponse("Environment variable deleted.");
  }),
];

function variableView(context: Context, variable: Variable): Json {
  return {
    variable: variable.name,
    context_id: context.id,
    created_at: variable.createdAt,
    updated_at: variable.updatedAt,
  };
}

/** Who may use a context. Source: https://circleci.com/docs/api/v2/ (get-, create- and deleteContextRestriction). */
export const restrictionRoutes: readonly Route[] = [
  route("GET", "/context/{context}/restrictions", (request) => {
    const context = contextOf(request);
    return page(
      request,
      context.restrictions.map((restriction) => ({ ...restrictionView(restriction), context_id: context.id })),
    );
  }),
  route("POST", "/context/{context}/restrictions", (request) => {
    const context = contextOf(request);
    const input = inputOf(request);
    // The form from before there were other types of restriction.
    const old = input.has("project_id") && !input.has("restriction_type");
    const type = old ? "project" : input.oneOf("restriction_type", ["project", "expression", "group"]);
    const value = input.string(old ? "project_id" : "restriction_value");
    if (context.restrictions.some((known) => known.type === type && known.value === value))
      throw conflict("Context restriction already exists.");
    const restriction: Restriction = {
      id: randomUUID(),
      type,
      value,
      name: restrictionName(request.state, context, type, value),
    };
    context.restrictions.push(restriction);
    return created(restrictionView(restriction));
  }),
  route("DELETE", "/context/{context}/restrictions/{restriction}", (request) => {
    const context = contextOf(request);
    const id = pathPart(request, "restriction");
    if (!isUuid(id)) throw badRequest("restriction_id is invalid.");
    if (!context.restrictions.some((restriction) => restriction.id === id)) throw notFound("Context restriction");
    context.restrictions = context.restrictions.filter((restriction) => restriction.id !== id);
    return messageResponse("Context restriction deleted.");
  }),
];

/** What the restriction points to must belong to the context's organization. */
function restrictionName(state: State, context: Context, type: Restriction["type"], value: string): string {
  if (type === "expression") return "";
  if (!isUuid(value)) throw badRequest("restriction_value is invalid.");
  if (type === "group") {
    if (value !== context.organizationId) throw new ApiError(404, "Group not found.");
    return "All members";
  }
  const project = state.projects.find((known) => known.id === value && known.organizationId === context.organizationId);
  if (project === undefined) throw notFound("Project");
  return project.name;
}

function restrictionView(restriction: Restriction): { [key: string]: Json } {
  return {
    id: restriction.id,
    project_id: restriction.type === "project" ? restriction.value : undefined,
    name: restriction.name,
    restriction_type: restriction.type,
    restriction_value: restriction.value,
  };
}
