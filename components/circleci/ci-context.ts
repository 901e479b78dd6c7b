import * as circleci from "@pulumi/circleci/bin/index.js";
import * as pulumi from "@pulumi/pulumi";

export interface CiContextArgs {
  /** As jobs name it. */
  name: string;
  organizationId: string;
  /** The project whose jobs may use it. */
  projectId: pulumi.Output<string>;
  /** In which pipelines of that project. @default in all of them */
  expression?: string | undefined;
  /** What it holds: environment variable → value, all of which are secret. */
  variables: Readonly<Record<string, pulumi.Input<string>>>;
}

/**
 * A context with its secrets and all that restricts it.
 * @param name of its resources
 * @param prefix before the names of its variables' resources: those of two contexts may have the same name
 */
export function ciContext(
  name: string,
  prefix: string,
  { organizationId, projectId, expression, variables, ...args }: CiContextArgs,
  own: pulumi.CustomResourceOptions,
): circleci.Context {
  const context = new circleci.Context(
    name,
    { name: args.name, organizationId },
    // The provider's update of a context does nothing.
    { ...own, replaceOnChanges: ["organizationId"] },
  );
  const restrict = (suffix: string, type: string, value: pulumi.Input<string>): circleci.ContextRestriction =>
    new circleci.ContextRestriction(`${name}${suffix}`, { contextId: context.id, type, value }, own);
  const restrictions = [
    restrict("", "project", projectId),
    ...(expression === undefined ? [] : [restrict("-expression", "expression", expression)]),
  ];
  for (const [variable, value] of Object.entries(variables)) {
    // The context is restricted before it holds anything that is worth restricting.
    new circleci.ContextEnvironmentVariable(
      `${prefix}${variable}`,
      { contextId: context.id, name: variable, value: pulumi.secret(value) },
      { ...own, dependsOn: restrictions },
    );
  }
  return context;
}
