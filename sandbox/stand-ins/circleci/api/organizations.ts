import { randomUUID } from "node:crypto";
import { isAddressedBy, organizationSlug, type Organization, type State } from "../state.ts";
import { badRequest, conflict, notFound } from "./api-error.ts";
import { inputOf, isUuid, pathPart } from "./input.ts";
import { created, messageResponse, ok, route, type ApiRequest, type Json, type Route } from "./router.ts";

/** The account of the token, and its organizations. Only standalone ones exist here: the others belong to accounts at GitHub or Bitbucket. */
export const organizationRoutes: readonly Route[] = [
  route("GET", "/me", ({ state }) => ok({ ...state.user })),
  route("GET", "/me/collaborations", ({ state }) =>
    ok(
      state.organizations.map((organization) => ({
        ...organizationView(organization),
        "vcs-type": "circleci",
        avatar_url: null,
      })),
    ),
  ),
  route("POST", "/organization", (request) => {
    const input = inputOf(request);
    const name = input.string("name");
    const type = input.oneOf("vcs_type", ["circleci", "github", "bitbucket"]);
    if (type !== "circleci")
      throw badRequest(
        `vcs_type: a ${type} organization comes from an account there, which the stand-in has none of; use circleci.`,
      );
    if (request.state.organizations.some((known) => known.name === name))
      throw conflict("An organization with this name already exists.");
    const organization: Organization = { id: randomUUID(), name };
    request.state.organizations.push(organization);
    return created(organizationView(organization));
  }),
  route("GET", "/organization/{organization}", (request) => ok(organizationView(organizationOf(request)))),
  route("GET", "/organization/{vcs}/{organization}", (request) => ok(organizationView(organizationOf(request)))),
  route("DELETE", "/organization/{organization}", (request) => {
    const { id } = organizationOf(request);
    const { state } = request;
    const projects = new Set(
      state.projects.filter((project) => project.organizationId === id).map((project) => project.id),
    );
    state.organizations = state.organizations.filter((organization) => organization.id !== id);
    state.contexts = state.contexts.filter((context) => context.organizationId !== id);
    state.projects = state.projects.filter((project) => !projects.has(project.id));
    state.pipelineDefinitions = state.pipelineDefinitions.filter((definition) => !projects.has(definition.projectId));
    state.triggers = state.triggers.filter((trigger) => !projects.has(trigger.projectId));
    state.webhooks = state.webhooks.filter((webhook) => !projects.has(webhook.scope.id));
    return messageResponse("Organization deleted.");
  }),
];

/** The organization that the path names by id or by slug. */
export function organizationOf(request: ApiRequest): Organization {
  const part = pathPart(request, "organization");
  if (request.path["vcs"] === undefined && !isUuid(part)) throw badRequest("The organization ID provided is invalid.");
  return organizationAt(request.state, request.path["vcs"] ?? "circleci", part);
}

/** The organization of a slug's first two parts. */
export function organizationAt(state: State, vcs: string, part: string): Organization {
  const organization =
    vcs === "circleci" ? state.organizations.find((known) => isAddressedBy(part, known.id)) : undefined;
  if (organization === undefined) throw notFound("Organization");
  return organization;
}

function organizationView(organization: Organization): { [key: string]: Json } {
  return { id: organization.id, name: organization.name, slug: organizationSlug(organization), vcs_type: "circleci" };
}
