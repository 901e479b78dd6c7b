import { imageRepository, migrationName } from "../../core/names.ts";
import type { Problem } from "../../core/problem.ts";
import {
  describe,
  kindOf,
  labelsAt,
  mapAt,
  nameOf,
  namespaceOf,
  selects,
  stringAt,
  type KubernetesObject,
} from "../../kubernetes/object.ts";
import { podTemplateOf } from "../../kubernetes/pod-template.ts";
import { typeOfKind } from "../../kubernetes/schema.ts";
import { groupOf } from "../../kubernetes/scope.ts";
import type { ManifestContext } from "./manifest-context.ts";
import { deployedDependencies } from "./dependency.ts";
import { selectorLabels } from "./metadata.ts";
import { looseSettings } from "./pod-rights.ts";
import { loosest, loweredPodSecurity, podSecurity, type PodSecurity } from "./pod-security.ts";
import { completeService, type CompletedService } from "./service-objects.ts";
import { runsToCompletion } from "../service/kind.ts";
import { rolloutWarnings } from "../service/rollout-problems.ts";
import type { Service } from "../service/service.ts";

/** What is to be said of the objects of an environment before any of them is declared. */
export interface ObjectReport {
  readonly problems: readonly Problem[];
  /** What people should see though it is not wrong: pods with more rights than usual, what nobody has checked, or measures. */
  readonly warnings: readonly string[];
  /** The strictest profile that lets all pods run. */
  readonly podSecurity: PodSecurity;
}

/**
 * @param images where the images of the services are
 * @param isPart whether the services lack some of their objects here, as in the environment of a pull request: a patch may be for
 * one of those. @default false
 */
export function reportObjects(
  context: ManifestContext,
  images: { registry: string; organization: string },
  isPart = false,
): ObjectReport {
  const touched = context.services.filter(
    ({ allPatches, ownObjects }) => allPatches !== undefined || ownObjects !== undefined,
  );
  const { namespace } = context.environment;
  const bySettings = podSecurity(context.services);
  const general = [
    ...[loweredPodSecurity(namespace, context.services) ?? []].flat(),
    ...(isPart ? [] : rolloutWarnings(context.services)),
  ];
  if (touched.length === 0) return { problems: [], warnings: general, podSecurity: bySettings };
  const completed = touched.map((service) => {
    const repository = imageRepository(images, context.environment.app, service.name);
    return { service, ...completeService(context, service, { image: repository }, repository) };
  });
  const loose = completed.flatMap(({ service, parts }) => loosened(service, parts));
  const level = loosest([bySettings, ...loose.map((one) => one.level)]);
  return {
    problems: [
      ...completed.flatMap(({ problems }) => problems),
      ...(isPart ? [] : [...completed.flatMap(({ unmatched }) => unmatched), ...unusedDefaults(completed)]),
      ...completed.flatMap(({ service }) => ownProblems(context, service, isPart)),
      ...collisions(context, completed),
    ],
    warnings: [
      ...general,
      ...loose.map(
        ({ owner, settings }) =>
          `${owner} asks for more rights than Pod Security \`restricted\` gives: ${settings.join(", ")}; namespace ${namespace} enforces \`${level}\` because of it`,
      ),
      ...completed.flatMap(({ service, parts }) => unchecked(service, parts)),
    ],
    podSecurity: level,
  };
}

type Parts = CompletedService["parts"];

/** What patches, and objects that services bring along, ask for beyond what the services' settings do. */
function loosened(service: Service, parts: Parts) {
  return parts.flatMap(({ before, after, own }) => {
    const { level, settings } = looseSettingsOf(after);
    const known = own ? [] : looseSettingsOf(before).settings;
    const more = settings.filter((one) => !known.includes(one));
    return more.length === 0
      ? []
      : [{ owner: own ? `${nameFor(after)} of ${service.name}` : service.name, level, settings: more }];
  });
}

function looseSettingsOf(object: KubernetesObject): ReturnType<typeof looseSettings> {
  return looseSettings(mapAt(podTemplateOf(object) ?? {}, "spec"));
}

/** Nobody knows the fields of a custom resource but its cluster. */
function unchecked(service: Service, parts: Parts): string[] {
  return parts
    .filter(
      ({ before, after, own }) =>
        (own || before !== after) && typeOfKind(kindOf(after).apiVersion, kindOf(after).kind) === undefined,
    )
    .map(
      ({ after }) =>
        `${nameFor(after)} of ${service.name} is not checked: only the cluster knows ${kindOf(after).apiVersion}`,
    );
}

/** A patch in `defaults` that changes nothing of any service has no effect at all. */
function unusedDefaults(completed: readonly (CompletedService & { service: Service })[]): Problem[] {
  const used = new Set(completed.flatMap(({ matched }) => matched.map(({ location }) => location)));
  const shared = completed.flatMap(({ service }) => (service.allPatches ?? []).filter((patch) => patch.shared));
  const unused = new Map(shared.filter(({ location }) => !used.has(location)).map((patch) => [patch.location, patch]));
  return [...unused.values()].map(({ location, kind, name }) => ({
    location,
    message: `no service has the kind ${kind}${name === undefined ? "" : ` ${name}`}; correct it, or remove the patch`,
  }));
}

/** @param isMoved whether objects go to a namespace that they cannot know */
function ownProblems(context: ManifestContext, { ownObjects = [] }: Service, isMoved: boolean): Problem[] {
  const { namespace } = context.environment;
  return ownObjects.flatMap(({ file, object }) => {
    const location = `${file}: ${describe(object)}`;
    const other = namespaceOf(object);
    const found =
      isMoved || other === "" || other === namespace
        ? []
        : [`metadata.namespace: ${JSON.stringify(other)}: the environment's is ${namespace}; leave it out`];
    const owner = ownerOfPods(context, object);
    if (owner !== undefined)
      found.push(
        `its pods have the labels of ${owner}, whose requests and policies they would share; give them another app.kubernetes.io/name`,
      );
    const rival = rivalOf(context, object);
    if (rival !== undefined) found.push(rival);
    return found.map((message) => ({ location, message }));
  });
}

/** What an object does to a service that the service's own settings do, too: the two would undo each other's work. */
function rivalOf({ environment, services }: ManifestContext, object: KubernetesObject): string | undefined {
  const { kind } = kindOf(object);
  if (kind === "HorizontalPodAutoscaler") {
    const target = stringAt(object, "spec", "scaleTargetRef", "name");
    const scaled = services.find(({ name }) => name === target);
    return (
      scaled &&
      `scales ${scaled.name}, whose replicas its settings say; set \`autoscaling\` there, and change it by \`patches\``
    );
  }
  if (kind !== "PodDisruptionBudget") return undefined;
  const selector = mapAt(object, "spec", "selector");
  const limited = services.find(
    (service) => !runsToCompletion(service) && selects(selector, { ...selectorLabels(environment, service.name) }),
  );
  return (
    limited &&
    `takes the pods of ${limited.name}, which have a budget already, and with two no pod could be moved; change that one by \`patches\``
  );
}

/** The service or dependency whose selectors take the pods of an object. */
function ownerOfPods(
  { environment, services, dependencies }: ManifestContext,
  object: KubernetesObject,
): string | undefined {
  const template = podTemplateOf(object);
  if (template === undefined) return undefined;
  const names = [...services.map(({ name }) => name), ...Object.keys(deployedDependencies(dependencies))];
  return names.find((name) => selects({ matchLabels: selectorLabels(environment, name) }, labelsAt(template)));
}

/** Two writers of one object would undo each other's work. */
function collisions(
  context: ManifestContext,
  completed: readonly (CompletedService & { service: Service })[],
): Problem[] {
  const own = completed.flatMap(({ service }) => (service.ownObjects ?? []).map((one) => ({ ...one, service })));
  if (own.length === 0) return [];
  const made = new Map<string, string>();
  for (const service of context.services)
    for (const { before, own: brought } of completeService(context, service, { image: "" }, "").parts)
      if (!brought) made.set(keyOf(before), `${service.name} has it by its settings, and \`patches\` change it`);
  for (const { name } of context.services.filter(({ migrations }) => migrations !== undefined))
    made.set(`networking.k8s.io/NetworkPolicy/${migrationName(name)}`, `the migrations of ${name} have it`);
  for (const name of Object.keys(deployedDependencies(context.dependencies)))
    for (const kind of ["apps/Deployment", "/Service", "/PersistentVolumeClaim", "networking.k8s.io/NetworkPolicy"])
      made.set(`${kind}/${name}`, `the dependency ${name} has it`);
  return own.flatMap(({ file, object, service }) => {
    const key = keyOf(object);
    const taken = made.get(key);
    made.set(key, `${service.name} brings it along already, in ${file}`);
    return taken === undefined
      ? []
      : [{ location: `${file}: ${describe(object)}`, message: `${taken}; remove it here, or give it another name` }];
  });
}

function keyOf(object: KubernetesObject): string {
  const { apiVersion, kind } = kindOf(object);
  return `${groupOf(apiVersion)}/${kind}/${nameOf(object)}`;
}

function nameFor(object: KubernetesObject): string {
  return `${kindOf(object).kind} ${nameOf(object)}`;
}
