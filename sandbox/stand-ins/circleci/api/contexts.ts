import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import type { Context, Organization, Restriction, State, Variable } from "../state.ts";
import { organizationAt } from "./organizations.ts";
import {
  answerMessage,
  ApiError,
  badRequest,
  bodyOf,
  conflict,
  isUuid,
  notFound,
  page,
  textSchema,
} from "./request.ts";
import type { ApiContext, ApiEnv } from "./request.ts";
import { assertVariable, putVariable } from "./variables.ts";

const ownerType = "must be organization; accounts own contexts on CircleCI server only";
const contextSchema = z.object({
  name: textSchema,
  owner: z
    .object({
      type: z.literal("organization", ownerType).optional(),
      id: z.string().optional(),
      slug: z.string().optional(),
    })
    .refine(({ id, slug = "" }) => id !== undefined || slug !== "", {
      path: ["slug"],
      error: "must be a non-empty string",
    }),
});

/**
 * Contexts. Source: https://circleci.com/docs/api/v2/ (tag Context); the words of the two refusals are those that users of
 * CircleCI's command line tool report (circleci-cli issues 454 and 1192).
 */
export const contexts = new Hono<ApiEnv>()
  .get("/context", (c) => {
    const { "owner-id": id, "owner-slug": slug, name } = c.req.query();
    if ((id === undefined) === (slug === undefined)) throw badRequest("Specify either owner-id or owner-slug.");
    const organization = ownerOf(c.var.state, id, slug);
    const found = c.var.state.contexts.filter(
      (context) => context.organizationId === organization.id && (name === undefined || context.name === name),
    );
    return page(c, found.map(contextView));
  })
  .post("/context", (c) => {
    const { state } = c.var;
    const { name, owner } = bodyOf(c, contextSchema);
    const organization = ownerOf(state, owner.id, owner.slug);
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
    return c.json(contextView(context));
  })
  .get("/context/:context", (c) => c.json(contextView(findContext(c, c.req.param("context")))))
  .delete("/context/:context", (c) => {
    const { id } = findContext(c, c.req.param("context"));
    c.var.state.contexts = c.var.state.contexts.filter((context) => context.id !== id);
    return answerMessage(c, "Context deleted.");
  });

/** A context's environment variables; no answer carries a value. */
export const contextVariables = new Hono<ApiEnv>()
  .basePath("/context/:context/environment-variable")
  .get("/", (c) => {
    const context = findContext(c, c.req.param("context"));
    return page(
      c,
      context.variables.map((variable) => variableView(context, variable)),
    );
  })
  .put("/:name", (c) => {
    const context = findContext(c, c.req.param("context"));
    const name = c.req.param("name");
    const { value } = bodyOf(c, z.object({ value: textSchema }));
    assertVariable(name, value);
    const isNew = !context.variables.some((variable) => variable.name === name);
    if (isNew && context.variables.length >= 100)
      throw badRequest("A context can have up to 100 environment variables.");
    return c.json(variableView(context, putVariable(context.variables, name, value)));
  })
  .delete("/:name", (c) => {
    const context = findContext(c, c.req.param("context"));
    const name = c.req.param("name");
    if (!context.variables.some((variable) => variable.name === name)) throw notFound("Environment variable");
    context.variables = context.variables.filter((variable) => variable.name !== name);
    return answerMessage(c, "Environment variable deleted.");
  });

/** The second form is from before there were other types of restriction. */
const restrictionSchema = z.preprocess(
  (body) =>
    typeof body === "object" && body !== null && "project_id" in body && !("restriction_type" in body)
      ? { restriction_type: "project", restriction_value: body.project_id }
      : body,
  z.object({ restriction_type: z.enum(["project", "expression", "group"]), restriction_value: textSchema }),
);

/** Who may use a context. Source: https://circleci.com/docs/api/v2/ (get-, create- and deleteContextRestriction). */
export const restrictions = new Hono<ApiEnv>()
  .basePath("/context/:context/restrictions")
  .get("/", (c) => {
    const context = findContext(c, c.req.param("context"));
    return page(
      c,
      context.restrictions.map((restriction) => ({ ...restrictionView(restriction), context_id: context.id })),
    );
  })
  .post("/", (c) => {
    const context = findContext(c, c.req.param("context"));
    const { restriction_type: type, restriction_value: value } = bodyOf(c, restrictionSchema);
    if (context.restrictions.some((known) => known.type === type && known.value === value))
      throw conflict("Context restriction already exists.");
    const name = restrictionName(c.var.state, context, type, value);
    const restriction: Restriction = { id: randomUUID(), type, value, name };
    context.restrictions.push(restriction);
    return c.json(restrictionView(restriction), 201);
  })
  .delete("/:restriction", (c) => {
    const context = findContext(c, c.req.param("context"));
    const id = c.req.param("restriction");
    if (!isUuid(id)) throw badRequest("restriction_id is invalid.");
    if (!context.restrictions.some((restriction) => restriction.id === id)) throw notFound("Context restriction");
    context.restrictions = context.restrictions.filter((restriction) => restriction.id !== id);
    return answerMessage(c, "Context restriction deleted.");
  });

function findContext(c: ApiContext, id: string): Context {
  if (!isUuid(id)) throw badRequest("context_id is invalid.");
  const context = c.var.state.contexts.find((known) => known.id === id.toLowerCase());
  if (context === undefined) throw notFound("Context");
  return context;
}

function ownerOf(state: State, id: string | undefined, slug = ""): Organization {
  if (id !== undefined && !isUuid(id)) throw badRequest("The owner ID provided is invalid.");
  const [vcs = "", part = ""] = id === undefined ? slug.split("/") : ["circleci", id];
  try {
    return organizationAt(state, vcs, part);
  } catch {
    throw new ApiError(404, "The requested owner does not exist or you don't have permission to list its contexts.");
  }
}

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

function contextView(context: Context) {
  return { id: context.id, name: context.name, created_at: context.createdAt };
}

function variableView(context: Context, variable: Variable) {
  return {
    variable: variable.name,
    context_id: context.id,
    created_at: variable.createdAt,
    updated_at: variable.updatedAt,
  };
}

function restrictionView(restriction: Restriction) {
  return {
    id: restriction.id,
    project_id: restriction.type === "project" ? restriction.value : undefined,
    name: restriction.name,
    restriction_type: restriction.type,
    restriction_value: restriction.value,
  };
}
