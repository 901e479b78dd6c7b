import { badRequest, notFound } from "./api-error.ts";
import { contextOf } from "./contexts.ts";
import { inputOf, pathPart } from "./input.ts";
import { page } from "./page.ts";
import { message, ok, route } from "./router.ts";
import type { Json, Route } from "./router.ts";
import type { Context, Variable } from "./state.ts";
import { checkVariable, putVariable } from "./variable.ts";

const path = "/context/{context}/environment-variable";

/** A context's environment variables; no answer carries a value. */
export const contextVariableRoutes: readonly Route[] = [
  route("GET", path, (request) => {
    const context = contextOf(request);
    return page(
      request,
      context.variables.map((variable) => view(context, variable)),
    );
  }),
  route("PUT", `${path}/{name}`, (request) => {
    const context = contextOf(request);
    const name = pathPart(request, "name");
    const value = inputOf(request).string("value");
    checkVariable(name, value);
    const isNew = !context.variables.some((variable) => variable.name === name);
    if (isNew && context.variables.length >= 100)
      throw badRequest("A context can have up to 100 environment variables.");
    return ok(view(context, putVariable(context.variables, name, value, new Date().toISOString())));
  }),
  route("DELETE", `${path}/{name}`, (request) => {
    const context = contextOf(request);
    const name = pathPart(request, "name");
    if (!context.variables.some((variable) => variable.name === name)) throw notFound("Environment variable");
    context.variables = context.variables.filter((variable) => variable.name !== name);
    return message("Environment variable deleted.");
  }),
];

function view(context: Context, variable: Variable): Json {
  return {
    variable: variable.name,
    context_id: context.id,
    created_at: variable.createdAt,
    updated_at: variable.updatedAt,
  };
}
