import * as circleci from "@pulumi/circleci/bin/index.js";
import * as pulumi from "@pulumi/pulumi";
import { errorMessage, NotReachableError } from "../../core/error.ts";
import { contextName } from "../../core/names.ts";
import { ciContext } from "./ci-context.ts";
import { ciPipeline, type CiSchedule } from "./ci-pipeline.ts";
import { accessHint } from "./circleci-hints.ts";
import { assertAnswers, circleCiHooks, type CircleCiAccess } from "./circleci-hooks.ts";
import { declaredContexts, pullSources, type ContextDeclaration, type ContextsArgs } from "./contexts.ts";
import { contextValue, contextValues, type ContextSources } from "./context-values.ts";

export interface CiProjectArgs extends Omit<ContextsArgs, keyof ContextSources>, ContextSources {
  organizationId: string;
  /** The project's name. */
  project: string;
  /** GitHub's numeric id of the repository whose pushes start the pipeline. @default no pipeline is declared */
  repositoryId?: string | undefined;
  /** When the environments are looked over for drift, and verifications go on. @default never */
  schedules?: readonly CiSchedule[] | undefined;
  /** Whether there is a pipeline that rolls back what is chosen among CircleCI's deploys. @default false */
  deployMarkers?: boolean | undefined;
  /** The API's base URL. @default CircleCI's own */
  host?: string | undefined;
  token: pulumi.Output<string>;
}

/**
 * The CircleCI project, and the contexts of this stack with their secrets, which only jobs of that project may use: one for its
 * environment, and with the project those that all environments share.
 */
export class CiProject extends pulumi.ComponentResource {
  readonly projectId: pulumi.Output<string>;
  /** `vcs/organization/project`: what the stacks that look the project up have in `ci.projectSlug`. */
  readonly projectSlug: pulumi.Output<string>;
  readonly contextId: pulumi.Output<string>;
  readonly contextName: string;

  constructor(name: string, args: CiProjectArgs, opts?: pulumi.ComponentResourceOptions) {
    super("delivery:ci:CiProject", name, { project: args.project, environment: args.environment }, opts);
    const provider = new circleci.Provider(
      name,
      { key: args.token, ...(args.host === undefined ? {} : { host: args.host }) },
      // The engine notes the package's version at first and the plugin's version later: a difference that says nothing.
      { parent: this, ignoreChanges: ["version"] },
    );
    const access = { host: args.host ?? "https://circleci.com/api/v2", token: args.token };
    const own = { parent: this, provider, hooks: circleCiHooks(name, access) };

    const project = args.owned
      ? ownProject(name, args, own)
      : lookUpProject(args.projectSlug ?? "", access, { parent: this, provider });
    this.projectId = project.id;
    this.projectSlug = project.slug;
    this.contextName = contextName(args.app, args.environment);
    this.contextId = declareContexts(name, this.projectId, args, own).id;
    if (args.sharedContext === true && args.owned) {
      // Builds of pull requests ran without a context, and pulled with these.
      for (const [variable, source] of Object.entries(pullSources(args))) {
        new circleci.ProjectEnvironmentVariable(
          variable,
          { projectSlug: this.projectSlug, name: variable, value: pulumi.secret(contextValue(source, args)) },
          // A change replaces it, and the old one must not be deleted once the new one is there under the same name.
          { ...own, deleteBeforeReplace: true },
        );
      }
    }
    this.registerOutputs({
      projectId: this.projectId,
      projectSlug: this.projectSlug,
      contextId: this.contextId,
      contextName: this.contextName,
    });
  }
}

/** @returns the environment's */
function declareContexts(
  name: string,
  projectId: pulumi.Output<string>,
  args: CiProjectArgs,
  own: pulumi.CustomResourceOptions,
): circleci.Context {
  const { shared, environment } = declaredContexts(args);
  const declare = (
    logicalName: string,
    prefix: string,
    { variables, expression, ...context }: ContextDeclaration,
  ): circleci.Context => {
    const { organizationId } = args;
    return ciContext(
      logicalName,
      prefix,
      { name: context.name, organizationId, projectId, expression, variables: contextValues(variables, args) },
      own,
    );
  };
  for (const context of shared) declare(`${name}-${context.kind}`, `${context.kind}-`, context);
  return declare(name, "", environment);
}

/** @throws pulumi.RunError instead of the provider's error, which would end the program with a stack trace */
function lookUpProject(
  slug: string,
  access: CircleCiAccess,
  opts: pulumi.InvokeOptions,
): pulumi.Output<circleci.GetProjectResult> {
  // A call that has begun keeps the program running until the provider gives up, so that CircleCI is asked before.
  const found = assertAnswers(access).then(() => circleci.getProject({ slug }, opts));
  const lookup = found.catch((error: unknown) => {
    throw new pulumi.RunError(
      `ci.projectSlug ${JSON.stringify(slug)}: CircleCI's project cannot be looked up: ${lookupFailure(error)}`,
    );
  });
  return pulumi.output(lookup);
}

function lookupFailure(error: unknown): string {
  const message = errorMessage(error);
  if (error instanceof NotReachableError) return message;
  return (
    accessHint(message) ??
    `${message}. It must be the \`ciProject\` that the stack with \`owns.ciProject\` puts out, and the user of circleciToken must see it`
  );
}

function ownProject(name: string, args: CiProjectArgs, own: pulumi.CustomResourceOptions): circleci.Project {
  const project = new circleci.Project(
    name,
    {
      name: args.project,
      organizationId: args.organizationId,
      autoCancelBuilds: true,
      buildForkPrs: true,
      // A rerun with SSH shows a job's secrets to whoever logs in there.
      disableSsh: true,
      // Every option is set: the provider sends false for those that are not, at every update.
      forksReceiveSecretEnvVars: false,
      setGithubStatus: true,
      setupWorkflows: true,
      writeSettingsRequiresAdmin: true,
    },
    // CircleCI refuses to delete a project that follows a repository, and destroy would fail.
    { ...own, retainOnDelete: !args.standalone },
  );
  const { repositoryId, schedules = [], deployMarkers } = args;
  if (repositoryId !== undefined) ciPipeline(name, project, repositoryId, { schedules, deployMarkers }, own);
  return project;
}
