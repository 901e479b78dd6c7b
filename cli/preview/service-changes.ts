import { kindOf } from "./area.ts";
import { manifestChanges, type Manifests } from "./manifests.ts";
import type { ServiceChange } from "./model.ts";
import type { Step } from "./step.ts";
import { isMap, unknownWord, valueAt, type Value } from "./value.ts";
import { changeWords } from "./words.ts";

/** What is known of images beside the stack, where Git says what runs. */
export interface ImageFacts {
  /** What the release records say runs: digest by service. @default not known */
  readonly released?: ReadonlyMap<string, string>;
  /** The services whose source changes, and the commit that their next images are made from. @default not known */
  readonly rebuilt?: { readonly services: ReadonlySet<string>; readonly commit: string };
}

export interface ServiceChanges {
  readonly changed: readonly ServiceChange[];
  readonly unchanged: readonly string[];
  /** Those whose images the update builds, and releases not: with Argo CD what is in Git runs. */
  readonly builds: readonly string[];
  /** The URNs of the resources that these lines tell of. */
  readonly told: ReadonlySet<string>;
}

/** In place of an image that is not there, or that nobody here knows. */
const none = "–";
const unknown = "not known";

const imageType = "delivery:images:ServiceImage";

/** What changes of each service: its image, and what its objects on the cluster are to be. */
export function serviceChanges(
  steps: readonly Step[],
  changed: readonly Step[],
  manifests: Manifests,
  images: ImageFacts,
): ServiceChanges {
  const all = steps.filter(({ type }) => type === imageType).toSorted((one, other) => compare(one.name, other.name));
  const own = (service: string): Step[] => changed.filter((step) => belongsTo(step, service));
  const changes = all.flatMap((step) => changeOf(step, steps, own(step.name), manifests, images) ?? []);
  const names = new Set(changes.map(({ name }) => name));
  const isBuilt = ({ type, action }: Step): boolean => type.startsWith("docker:") && action === "update";
  return {
    changed: changes,
    unchanged: all.map(({ name }) => name).filter((name) => !names.has(name)),
    builds: manifests.directory === "" ? [] : all.map(({ name }) => name).filter((name) => own(name).some(isBuilt)),
    told: new Set(all.flatMap(({ name }) => own(name).map(({ urn }) => urn))),
  };
}

/** All parts of a service have its name. */
function belongsTo({ name, ancestors }: Step, service: string): boolean {
  return name === service && ancestors.some((type) => type === "delivery:cluster:Workload" || type === imageType);
}

function changeOf(
  step: Step,
  steps: readonly Step[],
  own: readonly Step[],
  manifests: Manifests,
  images: ImageFacts,
): ServiceChange | undefined {
  const { name } = step;
  const state = step.before === undefined ? "new" : step.after === undefined ? "removed" : "changed";
  const objects = [
    ...own.filter(({ type }) => type.startsWith("kubernetes:")).map((one) => ({ ...one, kind: kindOf(one) })),
    ...manifestChanges(manifests, name),
  ];
  // What runs is in Git, whatever this program builds.
  const image = manifests.directory === "" ? imageOf(step, steps, own) : imageInGit(step, images);
  const words =
    state === "changed" ? objects.flatMap(({ kind, before, after }) => changeWords(kind, before, after)) : [];
  // The column of images says it.
  const changes = [...new Set(words)].filter((word) => word !== "image");
  const moved = image !== undefined && image.before !== image.after;
  if (state === "changed" && changes.length === 0 && !moved) return undefined;
  return { name, state, ...(image === undefined ? {} : { image }), changes };
}

function imageInGit({ name, after }: Step, { released, rebuilt }: ImageFacts): ServiceChange["image"] {
  const digest = released?.get(name);
  const before = released === undefined ? unknown : digest === undefined ? none : shortImage(digest);
  if (after === undefined) return before === unknown ? undefined : { before, after: none };
  if (rebuilt?.services.has(name) === true) return { before, after: `built from ${rebuilt.commit.slice(0, 7)}` };
  return digest === undefined ? undefined : { before, after: before };
}

function imageOf(step: Step, steps: readonly Step[], own: readonly Step[]): ServiceChange["image"] {
  const { name } = step;
  const built = own.find(({ type }) => type.startsWith("docker:"));
  const deployment = steps.find((one) => one.type === "kubernetes:apps/v1:Deployment" && belongsTo(one, name));
  const before = containerImage(deployment?.before) ?? textAt(step.outputs, "reference");
  const after = containerImage(deployment?.after) ?? before;
  if (step.after === undefined) return before === undefined ? undefined : { before: shortImage(before), after: none };
  const next =
    built !== undefined && built.action !== "delete"
      ? "built by the update"
      : after === undefined
        ? undefined
        : shortImage(after);
  if (next === undefined && before === undefined) return undefined;
  return { before: before === undefined ? none : shortImage(before), after: next ?? none };
}

function containerImage(deployment: Value | undefined): string | undefined {
  const image = valueAt(deployment, ["spec", "template", "spec", "containers", "0", "image"]);
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

function compare(one: string, other: string): number {
  return one < other ? -1 : 1;
}
