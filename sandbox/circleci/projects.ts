import { randomUUID } from "node:crypto";
import { badRequest, conflict, notFound } from "./api-error.ts";
import { inputOf, isUuid, pathPart } from "./input.ts";
import { organizationAt, organizationOf } from "./organizations.ts";
import { created, message, ok, route } from "./router.ts";
import type { ApiRequest, ApiResponse, Json, Route } from "./router.ts";
import { defaultSettings, updatedSettings } from "./settings.ts";
import type { Settings } from "./settings.ts";
import { addresses, organizationSlug, projectSlug } from "./slug.ts";
import type { Organization, Project, State } from "./state.ts";

const slug = "/project/{vcs}/{organization}/{project}";

/** Projects of standalone organizations, and their advanced settings. */
export const projectRoutes: readonly Route[] = [
  route("POST", "/organization/{organization}/project", create),
  route("POST", "/organization/{vcs}/{organization}/project", create),
  route("GET", slug, (request) => {
    const { project, organization } = projectOf(request);
    return ok(view(project, organization));
  }),
  route("DELETE", slug, (request) => {
    const { id } = projectOf(request).project;
    const { state } = request;
    state.projects = state.projects.filter((project) => project.id !== id);
    state.pipelineDefinitions = state.pipelineDefinitions.filter((definition) => definition.projectId !== id);
    state.triggers = state.triggers.filter((trigger) => trigger.projectId !== id);
    state.webhooks = state.webhooks.filter((webhook) => webhook.scope.id !== id);
    return message("Project deleted.");
  }),
  route("GET", `${slug}/settings`, (request) => ok(settingsView(projectOf(request).project.settings))),
  route("PATCH", `${slug}/settings`, (request) => {
    const { project } = projectOf(request);
    project.settings = updatedSettings(project.settings, inputOf(request).object("advanced"));
    return ok(settingsView(project.settings));
  }),
];

function create(request: ApiRequest): ApiResponse {
  const organization = organizationOf(request);
  const name = inputOf(request).string("name");
  const same = request.state.projects.some(
    (project) => project.organizationId === organization.id && project.name === name,
  );
  // Source: CircleCI's command line tool expects this answer (internal/testing/fakes/circleci.go of circleci-cli).
  if (same) throw conflict("A project with this name already exists");
  const project: Project = {
    id: randomUUID(),
    organizationId: organization.id,
    name,
    settings: defaultSettings,
    variables: [],
  };
  request.state.projects.push(project);
  return created(view(project, organization));
}

/** The project whose slug the path holds. */
export function projectOf(request: ApiRequest): { project: Project; organization: Organization } {
  const organization = organizationAt(request.state, pathPart(request, "vcs"), pathPart(request, "organization"));
  const part = pathPart(request, "project");
  const project = request.state.projects.find(
    (known) => known.organizationId === organization.id && addresses(part, known.id),
  );
  if (project === undefined) throw notFound("Project");
  return { project, organization };
}

/** The project of the paths that name it by id. */
export function projectById(state: State, id: string): Project {
  if (!isUuid(id)) throw badRequest("The project ID provided is invalid.");
  const project = state.projects.find((known) => known.id === id.toLowerCase());
  if (project === undefined) throw notFound("Project");
  return project;
}

function view(project: Project, organization: Organization): Json {
  return {
    id: project.id,
    name: project.name,
    slug: projectSlug(project, organization),
    organization_id: organization.id,
    organization_name: organization.name,
    organization_slug: organizationSlug(organization),
    // A standalone project has no repository of its own; this is what the API says instead.
    vcs_info: {
      vcs_url: `//circleci.com/${organization.id}/${project.id}`,
      provider: "CircleCI",
      default_branch: "main",
    },
  };
}

function settingsView(settings: Settings): Json {
  return { advanced: { ...settings, pr_only_branch_overrides: [...settings.pr_only_branch_overrides] } };
}
