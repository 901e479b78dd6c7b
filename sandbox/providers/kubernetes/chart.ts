import { isMap } from "../../../kubernetes/json.ts";
import { stringAt } from "../../../kubernetes/object.ts";
import type { ComponentMonitor } from "../component-monitor.ts";
import { reveal, type PropertyMap } from "../property.ts";
import type { ConstructRequest } from "../resource-provider.ts";

/** A chart as a program asks for it. */
export interface ChartRequest {
  chart: string;
  version: string;
  namespace: string;
  values: PropertyMap;
}

/**
 * Stands in for Helm where no chart can be downloaded: the objects that a chart would render.
 * @throws Error that names the charts it knows
 */
export type ChartRenderer = (request: ChartRequest) => Promise<PropertyMap[]>;

export const chartType = "kubernetes:helm.sh/v4:Chart";

/** Registers a `helm.sh/v4:Chart` with one child per rendered object; definitions of custom resources come first, as in the official plugin. */
export async function constructChart(
  request: ConstructRequest,
  monitor: ComponentMonitor,
  render: ChartRenderer,
  version: string,
): Promise<string> {
  const inputs = reveal(request.inputs);
  if (!isMap(inputs)) throw new Error(`${request.name}: a chart without inputs`);
  const values = inputs["values"];
  const chart: ChartRequest = {
    chart: stringAt(inputs, "chart") ?? "",
    version: stringAt(inputs, "version") ?? "",
    namespace: stringAt(inputs, "namespace") ?? "default",
    values: isMap(values) ? values : {},
  };
  const objects = await render(chart);
  const component = {
    type: request.type,
    name: request.name,
    parent: request.parent,
    custom: false,
    inputs: {},
    dependencies: [],
    provider: "",
    version,
  };
  const parent = await monitor.register(component);
  const provider = request.providers.get("kubernetes") ?? "";
  const register = (object: PropertyMap, dependencies: readonly string[]): Promise<string> => {
    const [type, name] = [typeOf(object), `${request.name}:${placeOf(object)}`];
    return monitor.register({
      type,
      name,
      parent,
      custom: true,
      inputs: object,
      dependencies: [...request.dependencies, ...dependencies],
      provider,
      version,
    });
  };
  const definitions = objects.filter((object) => stringAt(object, "kind") === "CustomResourceDefinition");
  const others = objects.filter((object) => !definitions.includes(object));
  const defined = await Promise.all(definitions.map((object) => register(object, [])));
  await Promise.all(others.map((object) => register(object, defined)));
  await monitor.complete(parent);
  return parent;
}

/** `apps/v1`, `Deployment` → `kubernetes:apps/v1:Deployment`; the core group is written `core/v1`. */
function typeOf(object: PropertyMap): string {
  const apiVersion = stringAt(object, "apiVersion") ?? "";
  return `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${stringAt(object, "kind") ?? ""}`;
}

/** `namespace/name`, or `name` of what has no namespace: the logical names of the official plugin. */
function placeOf(object: PropertyMap): string {
  const metadata = object["metadata"];
  const name = isMap(metadata) ? (stringAt(metadata, "name") ?? "") : "";
  const own = isMap(metadata) ? stringAt(metadata, "namespace") : undefined;
  return own === undefined ? name : `${own}/${name}`;
}
