import { notFound } from "./api-error.ts";
import { inputOf, pathPart } from "./input.ts";
import { page } from "./page.ts";
import { projectOf } from "./projects.ts";
import { created, message, ok, route } from "./router.ts";
import type { Json, Route } from "./router.ts";
import type { Variable } from "./state.ts";
import { checkVariable, masked, putVariable } from "./variable.ts";

const path = "/project/{vcs}/{organization}/{project}/envvar";

/** A project's environment variables; values are masked in every answer. */
export const projectVariableRoutes: readonly Route[] = [
  route("GET", path, (request) => page(request, projectOf(request).project.variables.map(view))),
  route("POST", path, (request) => {
    const { project } = projectOf(request);
    const input = inputOf(request);
    const name = input.string("name");
    const value = input.string("value");
    checkVariable(name, value);
    return created(view(putVariable(project.variables, name, value, new Date().toISOString())));
  }),
  route("GET", `${path}/{name}`, (request) => {
    const name = pathPart(request, "name");
    const variable = projectOf(request).project.variables.find((known) => known.name === name);
    if (variable === undefined) throw notFound("Environment variable");
    return ok(view(variable));
  }),
  route("DELETE", `${path}/{name}`, (request) => {
    const { project } = projectOf(request);
    const name = pathPart(request, "name");
    if (!project.variables.some((variable) => variable.name === name)) throw notFound("Environment variable");
    project.variables = project.variables.filter((variable) => variable.name !== name);
    return message("Environment variable deleted.");
  }),
];

function view(variable: Variable): Json {
  return { name: variable.name, value: masked(variable.value), "created-at": variable.createdAt };
}
