import { z } from "zod";

const propertySchema = z.object({
  $ref: z.string().optional(),
  type: z.string().optional(),
  format: z.string().optional(),
  enum: z.array(z.string()).optional(),
  get items() {
    return propertySchema.optional();
  },
  get additionalProperties() {
    return propertySchema.optional();
  },
  "x-kubernetes-patch-merge-key": z.string().optional(),
  "x-kubernetes-patch-strategy": z.string().optional(),
});
type Property = z.infer<typeof propertySchema>;

const kindSchema = z.object({ group: z.string(), version: z.string(), kind: z.string() });

const openApiSchema = z.object({
  paths: z.record(
    z.string(),
    z.object({ post: z.object({ "x-kubernetes-group-version-kind": kindSchema.optional() }).optional() }),
  ),
  definitions: z.record(
    z.string(),
    z.object({
      properties: z.record(z.string(), propertySchema).default({}),
      required: z.array(z.string()).default([]),
      "x-kubernetes-group-version-kind": z.array(kindSchema).default([]),
    }),
  ),
});

/** The groups whose objects belong to services; the others are those of clusters and of their operators. */
const groups = new Set(
  ["", "apps", "autoscaling", "batch", "policy"].concat(
    ["coordination", "discovery", "networking", "rbac.authorization", "resource"].map((group) => `${group}.k8s.io`),
  ),
);

/** What nobody keeps in a file. */
const written = new Set(["Binding", "Event", "Eviction"]);

/**
 * Of Kubernetes' OpenAPI (version 2, as a cluster serves it at `/openapi/v2`), what `kubernetes/schema.ts` asks for: the fields of
 * all stable kinds that are in a namespace, as short words.
 */
export function compactSchema(openApi: unknown) {
  const { paths, definitions } = openApiSchema.parse(openApi);
  const namespaced = new Set(
    Object.entries(paths).flatMap(([path, { post }]) => {
      const kind = post?.["x-kubernetes-group-version-kind"];
      return kind === undefined || !path.includes("/namespaces/{namespace}/") ? [] : [kindName(kind)];
    }),
  );
  const roots = Object.entries(definitions).flatMap(([name, definition]) =>
    definition["x-kubernetes-group-version-kind"]
      .filter((kind) => namespaced.has(kindName(kind)) && groups.has(kind.group) && /^v\d+$/.test(kind.version))
      .filter(({ kind }) => !written.has(kind))
      .map((kind) => [kindName(kind), name] as const),
  );
  const types: Record<string, { fields: Record<string, string>; required?: string[] }> = {};
  const rootNames = new Set(roots.map(([, name]) => name));
  const visit = (name: string): void => {
    const definition = definitions[name];
    const short = shortName(name);
    if (definition === undefined || short in types) return;
    const fields: Record<string, string> = {};
    types[short] = { fields, ...(definition.required.length === 0 ? {} : { required: definition.required }) };
    for (const [field, property] of Object.entries(definition.properties)) {
      const isStatus = field === "status" && rootNames.has(name);
      fields[field] = isStatus ? "any" : wordOf(property, visit);
    }
  };
  for (const [, name] of roots) visit(name);
  const sorted = Object.entries(types).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    kinds: Object.fromEntries(roots.map(([kind, name]) => [kind, shortName(name)]).toSorted(byFirst)),
    types: Object.fromEntries(sorted),
  };
}

/** `apps/v1/Deployment`, `v1/Pod`. */
function kindName({ group, version, kind }: z.infer<typeof kindSchema>): string {
  return [group, version, kind].filter(Boolean).join("/");
}

function byFirst([a = ""]: readonly string[], [b = ""]: readonly string[]): number {
  return a < b ? -1 : 1;
}

/** `io.k8s.api.core.v1.Container` → `core.v1.Container`. */
function shortName(name: string): string {
  return name.replace(/^io\.k8s\.(api|apimachinery\.pkg\.apis)\./, "");
}

const scalars: Readonly<Record<string, string>> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
  "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
  "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "time",
  "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
  "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
};

function wordOf(property: Property, visit: (name: string) => void): string {
  const { $ref, type, format, items, additionalProperties, enum: values } = property;
  if ($ref !== undefined) {
    const name = $ref.replace("#/definitions/", "");
    const scalar = scalars[name];
    if (scalar === undefined) visit(name);
    return scalar ?? shortName(name);
  }
  if (type === "array" && items !== undefined) {
    const merged = (property["x-kubernetes-patch-strategy"] ?? "").split(",").includes("merge");
    const key = merged ? (property["x-kubernetes-patch-merge-key"] ?? "=") : "";
    return `[${key}]${wordOf(items, visit)}`;
  }
  if (type === "object") return additionalProperties === undefined ? "any" : `{}${wordOf(additionalProperties, visit)}`;
  const words: Readonly<Record<string, string>> = {
    integer: "int",
    number: "number",
    boolean: "bool",
    string: "string",
  };
  // An empty text is the default of any of them.
  if (values !== undefined) return `<${values.filter(Boolean).toSorted().join("|")}>`;
  return format === "byte" ? "base64" : (words[type ?? ""] ?? "any");
}
