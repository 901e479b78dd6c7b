import { randomUUID } from "node:crypto";
import { ApiError, badRequest, conflict, notFound } from "./api-error.ts";
import { contextOf } from "./contexts.ts";
import { inputOf, isUuid, pathPart } from "./input.ts";
import { page } from "./page.ts";
import { created, message, route } from "./router.ts";
import type { Json, Route } from "./router.ts";
import type { Context, Restriction, State } from "./state.ts";

/** Who may use a context. Source: https://circleci.com/docs/api/v2/ (get-, create- and deleteContextRestriction). */
export const restrictionRoutes: readonly Route[] = [
  route("GET", "/context/{context}/restrictions", (request) => {
    const context = contextOf(request);
    return page(
      request,
      context.restrictions.map((restriction) => ({ ...view(restriction), context_id: context.id })),
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
      name: nameOf(request.state, context, type, value),
    };
    context.restrictions.push(restriction);
    return created(view(restriction));
  }),
  route("DELETE", "/context/{context}/restrictions/{restriction}", (request) => {
    const context = contextOf(request);
    const id = pathPart(request, "restriction");
    if (!isUuid(id)) throw badRequest("restriction_id is invalid.");
    if (!context.restrictions.some((restriction) => restriction.id === id)) throw notFound("Context restriction");
    context.restrictions = context.restrictions.filter((restriction) => restriction.id !== id);
    return message("Context restriction deleted.");
  }),
];

/** What the restriction points to must belong to the context's organization. */
function nameOf(state: State, context: Context, type: Restriction["type"], value: string): string {
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

function view(restriction: Restriction): { [key: string]: Json } {
  return {
    id: restriction.id,
    project_id: restriction.type === "project" ? restriction.value : undefined,
    name: restriction.name,
    restriction_type: restriction.type,
    restriction_value: restriction.value,
  };
}
