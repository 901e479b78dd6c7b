import { categoryOf, kindOf, type Step } from "./step.ts";

/** So many objects of an installation that have the same fate are one line of the report. */
const mostSingle = 5;

/** What would happen to several objects of an installation, as one line. */
export interface InstallationChange {
  readonly action: Step["action"];
  readonly steps: readonly Step[];
  /** For example `58 objects of the installation`. */
  readonly kind: string;
  /** The installation's name. */
  readonly name: string;
  readonly area: ReturnType<typeof categoryOf>;
  /** For example `7 ServiceAccount`. */
  readonly parts: readonly string[];
}

/**
 * Sums up the objects of what is installed on the cluster, of which there are dozens, by what would happen to them. Where that
 * are few, and where a definition would be lost, with all its objects, they stay apart.
 * @returns the sums, and the steps that are in none
 */
export function installationChanges(steps: readonly Step[]): {
  readonly sums: readonly InstallationChange[];
  readonly rest: readonly Step[];
} {
  const groups = Map.groupBy(steps, (step) => {
    const name = installationOf(step);
    return name === undefined || isLostDefinition(step) ? "" : `${step.action} ${name}`;
  });
  const several = [...groups].filter(([key, group]) => key !== "" && group.length > mostSingle);
  const summed = new Set(several.flatMap(([, group]) => group));
  return {
    sums: several.flatMap(([, group]) => sumOf(group)),
    rest: steps.filter((step) => !summed.has(step)),
  };
}

/** The installation that an object is part of: all their logical names begin with its name. */
export function installationOf({ type, ancestors, name }: Step): string | undefined {
  const isInstalled = ancestors.some((ancestor) =>
    /^delivery:gitops:(ArgoCd|ArgoRollouts|ImageUpdater)$/.test(ancestor),
  );
  return isInstalled && type.startsWith("kubernetes:") ? /^([^:]+):./.exec(name)?.[1] : undefined;
}

function isLostDefinition(step: Step): boolean {
  return kindOf(step) === "CustomResourceDefinition" && (step.action === "delete" || step.action === "replace");
}

function sumOf(steps: readonly Step[]): InstallationChange[] {
  const [first] = steps;
  if (first === undefined) return [];
  const kinds = [...Map.groupBy(steps, kindOf)].toSorted(([, one], [, other]) => other.length - one.length);
  return [
    {
      action: first.action,
      steps,
      kind: `${steps.length} objects of the installation`,
      name: installationOf(first) ?? "",
      area: categoryOf(first),
      parts: kinds.map(([kind, { length }]) => `${length} ${kind}`),
    },
  ];
}
