import { migrationName } from "../../core/names.ts";
import { shortCommit } from "../../git/records.ts";
import { describeChange, describeMigration, keptData } from "./change-phrases.ts";
import { manifestChanges, type Manifests } from "./manifest-diff.ts";
import type { ServiceChange } from "./model.ts";
import { isMap, kindOf, unknownWord, valueAt, type Step, type Value } from "./step.ts";

/** What is known of images from outside of the stack, where Git says what runs. */
export interface ImageStatus {
  /** What the release records say runs: digest by service. @default not known */
  readonly released?: ReadonlyMap<string, string>;
  /** The services whose source changes, and the commit that their next images are made from. @default not known */
  readonly rebuilt?: { readonly services: ReadonlySet<string>; readonly commit: string };
}

interface ServiceChanges {
  readonly changed: readonly ServiceChange[];
  readonly unchanged: readonly string[];
  /** Those whose images the update builds without releasing them: with Argo CD what is in Git runs. */
  readonly builds: readonly string[];
  /** The URNs of the resources whose changes these lines report. */
  readonly reported: ReadonlySet<string>;
}

/** In place of an image that is not there, or that is not known. */
const noImage = "–";
const unknownImage = "not known";

const imageType = "delivery:images:ServiceImage";

/** A service, and whether the stack has it before and after the update. */
interface DeclaredService {
  readonly name: string;
  readonly before: boolean;
  readonly after: boolean;
}

/** What changes of each service: its image, and what its objects on the cluster are to be. */
export function serviceChanges(
  steps: readonly Step[],
  changed: readonly Step[],
  manifests: Manifests,
  images: ImageStatus,
): ServiceChanges {
  const all = declaredServices(steps);
  const names = all.map(({ name }) => name);
  const own = partsByService(changed);
  const kept = partsByService(steps);
  const changes = all.flatMap((service) => {
    const { name } = service;
    const parts = { all: kept(name), changed: own(name), migrations: own(migrationName(name)) };
    return changeOf(service, parts, manifests, images) ?? [];
  });
  const moved = new Set(changes.map(({ name }) => name));
  const isBuilt = ({ type, action }: Step): boolean => type.startsWith("docker:") && action === "update";
  return {
    changed: changes,
    unchanged: names.filter((name) => !moved.has(name)),
    builds: manifests.directory === "" ? [] : names.filter((name) => own(name).some(isBuilt)),
    reported: new Set(names.flatMap((name) => [...own(name), ...own(migrationName(name))].map(({ urn }) => urn))),
  };
}

/** The arguments of the component that holds all images name the services; a state may have one for each service instead. */
function declaredServices(steps: readonly Step[]): DeclaredService[] {
  const images = steps.filter(({ type }) => type === imageType);
  const namesIn = (step: Step, inputs: Value | undefined): string[] => {
    const repositories = isMap(inputs) ? inputs["repositories"] : undefined;
    if (isMap(repositories)) return Object.keys(repositories);
    return isMap(inputs) && "repository" in inputs ? [step.name] : [];
  };
  const before = new Set(images.flatMap((step) => namesIn(step, step.before)));
  const after = new Set(images.flatMap((step) => namesIn(step, step.after)));
  return [...new Set([...before, ...after])]
    .toSorted()
    .map((name) => ({ name, before: before.has(name), after: after.has(name) }));
}

/** Whose part a resource is, by its label; what has none has the service's name, or one that begins with it and what is in no name. */
function ownerOf({ name, before, after }: Step): string {
  const label = valueAt(after ?? before, ["metadata", "labels", "app.kubernetes.io/name"]);
  return typeof label === "string" ? label : name.replace(/[.:].*$/, "");
}

/** The resources that are parts of a service. */
function partsByService(steps: readonly Step[]): (service: string) => readonly Step[] {
  const parts = Map.groupBy(
    steps.filter(({ ancestors }) =>
      ancestors.some((type) => type === "delivery:cluster:Workload" || type === imageType),
    ),
    ownerOf,
  );
  return (service) => parts.get(service) ?? [];
}

function changeOf(
  service: DeclaredService,
  parts: { readonly all: readonly Step[]; readonly changed: readonly Step[]; readonly migrations: readonly Step[] },
  manifests: Manifests,
  images: ImageStatus,
): ServiceChange | undefined {
  const { name } = service;
  const state = !service.before ? "new" : !service.after ? "removed" : "changed";
  const objects = [
    ...parts.changed.filter(({ type }) => type.startsWith("kubernetes:")).map((one) => ({ ...one, kind: kindOf(one) })),
    ...manifestChanges(manifests, name),
  ];
  // With Argo CD the image in Git runs, whatever this program builds.
  const image = manifests.directory === "" ? imageOf(service, parts) : imageInGit(service, images);
  const migrations = parts.migrations.filter(({ type }) => type.startsWith("kubernetes:"));
  const described = {
    new: () => [],
    removed: () => objects.flatMap(({ kind, before }) => (before === undefined ? [] : keptData(kind, before))),
    changed: () => [
      ...objects.flatMap(({ kind, before, after }) => describeChange(kind, before, after)),
      ...migrations.flatMap((one) => describeMigration(kindOf(one), one.before, one.after)),
    ],
  }[state]();
  // The column of images shows it.
  const changes = [...new Set(described)].filter((phrase) => phrase !== "image");
  const moved = image !== undefined && image.before !== image.after;
  if (state === "changed" && changes.length === 0 && !moved) return undefined;
  return { name, state, ...(image === undefined ? {} : { image }), changes };
}

function imageInGit({ name, after }: DeclaredService, { released, rebuilt }: ImageStatus): ServiceChange["image"] {
  const digest = released?.get(name);
  const before = released === undefined ? unknownImage : digest === undefined ? noImage : shortImage(digest);
  if (!after) return before === unknownImage ? undefined : { before, after: noImage };
  if (rebuilt?.services.has(name) === true) return { before, after: `built from ${shortCommit(rebuilt.commit)}` };
  return digest === undefined ? undefined : { before, after: before };
}

function imageOf(
  service: DeclaredService,
  parts: { readonly all: readonly Step[]; readonly changed: readonly Step[] },
): ServiceChange["image"] {
  const isBuild = ({ type }: Step): boolean => type.startsWith("docker:");
  const built = parts.changed.find(isBuild);
  // Of a service whose kind changes there are two: one comes, and one goes.
  const workloads = parts.all.filter(({ type }) => workloadTypes.has(type));
  const imageIn = (side: "before" | "after"): string | undefined =>
    workloads.map((workload) => containerImage(workload[side])).find((image) => image !== undefined);
  const before = imageIn("before") ?? textAt(parts.all.find(isBuild)?.outputs, "repoDigest");
  const after = imageIn("after") ?? before;
  if (!service.after) return before === undefined ? undefined : { before: shortImage(before), after: noImage };
  const next =
    built !== undefined && built.action !== "delete"
      ? "built by the update"
      : after === undefined
        ? undefined
        : shortImage(after);
  if (next === undefined && before === undefined) return undefined;
  return { before: before === undefined ? noImage : shortImage(before), after: next ?? noImage };
}

const workloadTypes = new Set(
  ["apps/v1:Deployment", "apps/v1:StatefulSet", "batch/v1:CronJob", "batch/v1:Job"].map((type) => `kubernetes:${type}`),
);

function containerImage(workload: Value | undefined): string | undefined {
  const template = valueAt(workload, ["spec", "jobTemplate"]) ?? workload;
  const image = valueAt(template, ["spec", "template", "spec", "containers", "0", "image"]);
  return typeof image === "string" ? image : undefined;
}

function textAt(value: Value | undefined, key: string): string | undefined {
  const found = isMap(value) ? value[key] : undefined;
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** The digest's first 12 digits, or the tag. */
function shortImage(image: string): string {
  if (image === unknownWord) return "known after the update";
  const digest = /sha256:([0-9a-f]{12})/.exec(image)?.[1];
  if (digest !== undefined) return digest;
  return /:([^/:]+)$/.exec(image)?.[1] ?? image;
}
