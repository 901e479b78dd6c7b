import { randomUUID } from "node:crypto";
import {
  isAddressedBy,
  organizationSlug,
  projectSlug,
  type Organization,
  type Project,
  type ProjectSettings,
  type State,
  type Variable,
} from "../state.ts";
import { badRequest, conflict, notFound } from "./api-error.ts";
import { inputOf, isUuid, pathPart, type Input } from "./input.ts";
import { organizationAt, organizationOf } from "./organizations.ts";
import { page } from "./page.ts";
import {
  created,
  messageResponse,
  ok,
  route,
  type ApiRequest,
  type ApiResponse,
  type Json,
  type Route,
} from "./router.ts";
import { checkVariable, masked, putVariable } from "./variables.ts";

const projectPath = "/project/{vcs}/{organization}/{project}";

/** Projects of standalone organizations, and their advanced settings. */
export const projectRoutes: readonly Route[] = [
  route("POST", "/organization/{organization}/project", createProject),
  route("POST", "/organization/{vcs}/{organization}/project", createProject),
  route("GET", projectPath, (request) => {
    const { project, organization } = projectOf(request);
    return ok(projectView(project, organization));
  }),
  route("DELETE", projectPath, (request) => {
    const { id } = projectOf(request).project;
    const { state } = request;
    state.projects = state.projects.filter((project) => project.id !== id);
    state.pipelineDefinitions = state.pipelineDefinitions.filter((definition) => definition.projectId !== id);
    state.triggers = state.triggers.filter((trigger) => trigger.projectId !== id);
    state.webhooks = state.webhooks.filter((webhook) => webhook.scope.id !== id);
    return messageResponse("Project deleted.");
  }),
  route("GET", `${projectPath}/settings`, (request) => ok(settingsView(projectOf(request).project.settings))),
  route("PATCH", `${projectPath}/settings`, (request) => {
    const { project } = projectOf(request);
    project.settings = updatedSettings(project.settings, inputOf(request).object("advanced"));
    return ok(settingsView(project.settings));
  }),
];

function createProject(request: ApiRequest): ApiResponse {
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
  return created(projectView(project, organization));
}

/** The project whose slug the path holds. */
export function projectOf(request: ApiRequest): { project: Project; organization: Organization } {
  const organization = organizationAt(request.state, pathPart(request, "vcs"), pathPart(request, "organization"));
  const part = pathPart(request, "project");
  const project = request.state.projects.find(
    (known) => known.organizationId === organization.id && isAddressedBy(part, known.id),
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

function projectView(project: Project, organization: Organization): Json {
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

function settingsView(settings: ProjectSettings): Json {
  return { advanced: { ...settings, pr_only_branch_overrides: [...settings.pr_only_branch_overrides] } };
}

const booleanSettings = [
  "autocancel_builds",
  "build_fork_prs",
  "build_prs_only",
  "disable_ssh",
  "forks_receive_secret_env_vars",
  "oss",
  "set_github_status",
  "setup_workflows",
  "write_settings_requires_admin",
] as const;

/** What a new project has. */
const defaultSettings: ProjectSettings = {
  autocancel_builds: false,
  build_fork_prs: false,
  build_prs_only: false,
  disable_ssh: false,
  forks_receive_secret_env_vars: false,
  oss: false,
  set_github_status: true,
  setup_workflows: true,
  write_settings_requires_admin: false,
  pr_only_branch_overrides: ["main"],
};

/**
 * The settings after a partial update.
 * Source: https://circleci.com/docs/api/v2/ (patchProjectSettings): `oss` is only ever set where the repository is public,
 * which no repository here is.
 */
function updatedSettings(settings: ProjectSettings, input: Input): ProjectSettings {
  const known = new Set<string>([...booleanSettings, "pr_only_branch_overrides"]);
  const stranger = input.keys().find((key) => !known.has(key));
  if (stranger !== undefined) throw badRequest(`advanced.${stranger}: unexpected setting.`);
  const changes = booleanSettings.filter((name) => input.has(name)).map((name) => [name, input.boolean(name)] as const);
  return {
    ...settings,
    ...Object.fromEntries(changes),
    oss: false,
    ...(input.has("pr_only_branch_overrides")
      ? { pr_only_branch_overrides: input.strings("pr_only_branch_overrides") }
      : {}),
  };
}

const variablesPath = "/project/{vcs}/{organization}/{project}/envvar";

/** A project's environment variables; values are masked in every answer. */
export const projectVariableRoutes: readonly Route[] = [
  route("GET", variablesPath, (request) => page(request, projectOf(request).project.variables.map(variableView))),
  route("POST", variablesPath, (request) => {
    const { project } = projectOf(request);
    const input = inputOf(request);
    const name = input.string("name");
    const value = input.string("value");
    checkVariable(name, value);
    return created(variableView(putVariable(project.variables, name, value, new Date().toISOString())));
  }),
  route("GET", `${variablesPath}/{name}`, (request) => {
    const name = pathPart(request, "name");
    const variable = projectOf(request).project.variables.find((known) => known.name === name);
    if (variable === undefined) throw notFound("Environment variable");
    return ok(variableView(variable));
  }),
  route("DELETE", `${variablesPath}/{name}`, (request) => {
    const { project } = projectOf(request);
    const name = pathPart(request, "name");
    if (!project.variables.some((variable) => variable.name === name)) throw notFound("Environment variable");
    project.variables = project.variables.filter((variable) => variable.name !== name);
    return messageResponse("Environment variable deleted.");
  }),
];

function variableView(variable: Variable): Json {
  return { name: variable.name, value: masked(variable.value), "created-at": variable.createdAt };
}
