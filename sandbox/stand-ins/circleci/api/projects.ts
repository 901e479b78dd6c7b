import { randomUUID } from "node:crypto";
import { Hono, type Context } from "hono";
import { z } from "zod";
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
import { organizationAt, organizationById } from "./organizations.ts";
import {
  answerMessage,
  badRequest,
  bodyOf,
  conflict,
  isUuid,
  notFound,
  page,
  textSchema,
  type ApiEnv,
} from "./request.ts";
import { assertVariable, masked, putVariable } from "./variables.ts";

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

const flag = z.boolean().exactOptional();
const settingsSchema = z.object({
  advanced: z.strictObject({
    autocancel_builds: flag,
    build_fork_prs: flag,
    build_prs_only: flag,
    disable_ssh: flag,
    forks_receive_secret_env_vars: flag,
    oss: flag,
    set_github_status: flag,
    setup_workflows: flag,
    write_settings_requires_admin: flag,
    pr_only_branch_overrides: z.array(z.string()).exactOptional(),
  }),
});

/** Projects of standalone organizations, and their advanced settings. */
export const projects = new Hono<ApiEnv>()
  .post("/organization/:organization/project", (c) => {
    const { state } = c.var;
    const organization = organizationById(state, c.req.param("organization"));
    const { name } = bodyOf(c, z.object({ name: textSchema }));
    const same = state.projects.some((project) => project.organizationId === organization.id && project.name === name);
    // Source: CircleCI's command line tool expects this answer (internal/testing/fakes/circleci.go of circleci-cli).
    if (same) throw conflict("A project with this name already exists");
    const id = randomUUID();
    const project: Project = { id, organizationId: organization.id, name, settings: defaultSettings, variables: [] };
    state.projects.push(project);
    return c.json(projectView(project, organization), 201);
  })
  .get("/project/:vcs/:organization/:project", (c) => {
    const { project, organization } = projectOf(c);
    return c.json(projectView(project, organization));
  })
  .delete("/project/:vcs/:organization/:project", (c) => {
    const { state } = c.var;
    const { id } = projectOf(c).project;
    state.projects = state.projects.filter((project) => project.id !== id);
    state.pipelineDefinitions = state.pipelineDefinitions.filter((definition) => definition.projectId !== id);
    state.triggers = state.triggers.filter((trigger) => trigger.projectId !== id);
    return answerMessage(c, "Project deleted.");
  })
  .get("/project/:vcs/:organization/:project/settings", (c) => c.json({ advanced: projectOf(c).project.settings }))
  .patch("/project/:vcs/:organization/:project/settings", (c) => {
    const { project } = projectOf(c);
    // `oss` is only ever set where the repository is public, which no repository here is.
    // Source: https://circleci.com/docs/api/v2/ (patchProjectSettings)
    project.settings = { ...project.settings, ...bodyOf(c, settingsSchema).advanced, oss: false };
    return c.json({ advanced: project.settings });
  });

const variableSchema = z.object({ name: textSchema, value: textSchema });

/** A project's environment variables; values are masked in every answer. Below `/project/:vcs/:organization/:project/envvar`. */
export const projectVariables = new Hono<ApiEnv>()
  .basePath("/project/:vcs/:organization/:project/envvar")
  .get("/", (c) => page(c, projectOf(c).project.variables.map(variableView)))
  .post("/", (c) => {
    const { project } = projectOf(c);
    const { name, value } = bodyOf(c, variableSchema);
    assertVariable(name, value);
    return c.json(variableView(putVariable(project.variables, name, value)), 201);
  })
  .get("/:name", (c) => {
    const variable = projectOf(c).project.variables.find(({ name }) => name === c.req.param("name"));
    if (variable === undefined) throw notFound("Environment variable");
    return c.json(variableView(variable));
  })
  .delete("/:name", (c) => {
    const { project } = projectOf(c);
    const name = c.req.param("name");
    if (!project.variables.some((variable) => variable.name === name)) throw notFound("Environment variable");
    project.variables = project.variables.filter((variable) => variable.name !== name);
    return answerMessage(c, "Environment variable deleted.");
  });

/** The project whose slug the path holds. */
export function projectOf(c: Context<ApiEnv, "/project/:vcs/:organization/:project">): {
  project: Project;
  organization: Organization;
} {
  const { vcs, organization: part, project: id } = c.req.param();
  const organization = organizationAt(c.var.state, vcs, part);
  const project = c.var.state.projects.find(
    (known) => known.organizationId === organization.id && isAddressedBy(id, known.id),
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

function projectView(project: Project, organization: Organization) {
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

function variableView({ name, value, createdAt }: Variable) {
  return { name, value: masked(value), "created-at": createdAt };
}
