import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { z } from "zod";
import { previewText } from "../../../../cli/preview-environment/comment.ts";
import type { PreviewLocation } from "../../../../cli/preview-environment/location.ts";
import {
  missingDependencies,
  previewContext,
  previewFiles,
} from "../../../../cli/preview-environment/preview-files.ts";
import { servicesOfPreview, type Preview } from "../../../../cli/preview-environment/write-preview.ts";
import type { DependencySettings } from "../../../../components/service/dependency-settings.ts";
import { serviceAddress } from "../../../../components/manifests/manifests.ts";
import { type ClusterEntry } from "../../../../components/manifests/manifest-context.ts";
import type { Service } from "../../../../components/service/service.ts";
import { parseRecord } from "../../../../git/release-record.ts";
import { sampleService } from "../../../support/sample-shop.ts";

const services = [
  sampleService("admin", { expose: true, peers: ["audit"] }),
  sampleService("audit"),
  sampleService("gateway", {
    expose: { host: "shop.example", path: "/api" },
    peers: ["link", "user"],
    secrets: { TOKEN_SECRET: "token-secret" },
    autoscaling: { min: 3, max: 9 },
  }),
  sampleService("link", {
    peers: ["graph"],
    replicas: 4,
    rollout: { strategy: "canary", steps: [{ weight: 50 }] },
    dependencies: { "link-db": { address: "DB", password: "DB_PASSWORD" }, cache: { address: "CACHE" } },
  }),
  sampleService("graph"),
  sampleService("user"),
  sampleService("mail"),
];
const dependencies: Record<string, DependencySettings> = {
  "link-db": {
    image: "postgres:17",
    port: 5432,
    password: "link-db-password",
    env: {},
    secrets: { POSTGRES_PASSWORD: "link-db-password" },
    scratch: [],
  },
  cache: { address: "redis.acme.internal:6379", password: "cache-password" },
  unused: { address: "other.acme.internal:1234" },
};
const ingress = { className: "nginx", domain: "dev.shop.example", namespace: "ingress-nginx" };
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

const namesFor = (...changed: string[]): string[] =>
  servicesOfPreview(services, new Set(changed)).map(({ name }) => name);

test("a changed service runs with whom it calls, and with the exposed ones that lead to it", () => {
  expect(namesFor("graph")).toEqual(["gateway", "link", "graph", "user"]);
  expect(namesFor("gateway")).toEqual(["gateway", "link", "graph", "user"]);
  expect(namesFor("admin")).toEqual(["admin", "audit"]);
  expect(namesFor("mail")).toEqual(["mail"]);
  expect(namesFor()).toEqual([]);
});

function declared(changed: readonly string[], entry: ClusterEntry = { ingress }) {
  const args = {
    app: "shop",
    pullRequest: 12,
    services: servicesOfPreview(services, new Set(changed)),
    dependencies,
    ...entry,
  };
  const context = previewContext(args);
  const images = new Map(
    args.services.map(({ name }) => [name, { repository: `docker.io/acme/shop-${name}`, digest: digest("a") }]),
  );
  return { args, context, files: previewFiles("previews/pr-12", context, images) };
}

test("it runs in a namespace of its own, which is one of its objects", () => {
  const { files } = declared(["link"]);
  expect(parse(files["previews/pr-12/namespace.yaml"] ?? "")).toMatchObject({
    kind: "Namespace",
    metadata: { name: "shop-pr-12", labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  });
  const others = Object.entries(files).filter(([path]) => !/(kustomization|namespace)\.yaml$/.test(path));
  const objects = others.flatMap(([, text]) => parseAllDocuments(text).map((document): unknown => document.toJS()));
  expect(objects.length).toBeGreaterThan(20);
  for (const object of objects) expect(object).toMatchObject({ metadata: { namespace: "shop-pr-12" } });
});

test("kustomize finds all of it, and each image by its digest", () => {
  const { files } = declared(["link"]);
  expect(parse(files["previews/pr-12/kustomization.yaml"] ?? "")).toMatchObject({
    resources: ["namespace.yaml", "secrets.yaml", "link-db", "gateway", "link", "graph", "user"],
  });
  for (const name of ["gateway", "link", "graph", "user"]) {
    expect(parse(files[`previews/pr-12/${name}/kustomization.yaml`] ?? "")).toMatchObject({ components: ["release"] });
    const record = files[`previews/pr-12/${name}/release/kustomization.yaml`] ?? "";
    expect(parseRecord("", record)).toMatchObject({
      image: { repository: `docker.io/acme/shop-${name}`, digest: digest("a") },
    });
  }
});

test("each service has one pod, and an address that leads to no other environment", () => {
  const { context, files } = declared(["link"]);
  const named = (name: string): Service | undefined => context.services.find((service) => service.name === name);
  for (const name of ["gateway", "link"])
    expect(parse(files[`previews/pr-12/${name}/deployment.yaml`] ?? "")).toMatchObject({ spec: { replicas: 1 } });
  expect(Object.keys(files).filter((path) => path.includes("autoscaler"))).toEqual([]);
  expect(parse(files["previews/pr-12/gateway/ingress.yaml"] ?? "")).toMatchObject({
    spec: { rules: [{ host: "gateway.pr-12.dev.shop.example", http: { paths: [{ path: "/api" }] } }] },
  });
  expect(serviceAddress(context, named("gateway") ?? sampleService(""))).toBe("http://gateway.pr-12.dev.shop.example");
});

test("by a Gateway it is reached at hosts of one label more, which its certificate is good for", () => {
  const gateway = { name: "public", namespace: "gateways", domain: "dev.shop.example", scheme: "https" } as const;
  const { context, files } = declared(["link"], { gateway });
  expect(parse(files["previews/pr-12/gateway/http-route.yaml"] ?? "")).toMatchObject({
    metadata: { namespace: "shop-pr-12" },
    spec: { parentRefs: [{ namespace: "gateways" }], hostnames: ["pr-12-gateway.dev.shop.example"] },
  });
  expect(serviceAddress(context, context.services.find(({ name }) => name === "gateway") ?? sampleService(""))).toBe(
    "https://pr-12-gateway.dev.shop.example",
  );
});

describe("a service of another kind", () => {
  const directory = "previews/pr-12";
  const reportOf = (settings: Partial<Service>, runs = digest("a")): Record<string, string> => {
    const report = sampleService("report", { port: undefined, ...settings });
    const context = previewContext({ app: "shop", pullRequest: 12, services: [report], dependencies: {} });
    return previewFiles(
      directory,
      context,
      new Map([["report", { repository: "docker.io/acme/shop-report", digest: runs }]]),
    );
  };
  const objectOf = (files: Record<string, string>, file: string): unknown =>
    parse(files[`${directory}/report/${file}`] ?? "");
  const jobName = (files: Record<string, string>): string =>
    z.object({ metadata: z.object({ name: z.string() }) }).parse(objectOf(files, "job.yaml")).metadata.name;

  test("a cron is there, and runs when somebody asks", () => {
    const files = reportOf({ kind: "cron", schedule: "@hourly" });
    expect(objectOf(files, "cron-job.yaml")).toMatchObject({ spec: { schedule: "@hourly", suspend: true } });
    expect(objectOf(files, "kustomization.yaml")).toMatchObject({
      resources: expect.not.arrayContaining(["service.yaml"]),
    });
  });

  test("a job runs once for every image and every change of its pods, by a name of its own", () => {
    const name = jobName(reportOf({ kind: "job" }));
    expect(name).toMatch(/^report-[0-9a-f]{10}$/);
    expect(jobName(reportOf({ kind: "job" }))).toBe(name);
    const others = [
      reportOf({ kind: "job" }, digest("b")),
      reportOf({ kind: "job", env: { LEVEL: "info" } }),
      reportOf({ kind: "job", command: ["/import"] }),
    ].map(jobName);
    expect(new Set([name, ...others]).size).toBe(4);
    const long = "a".repeat(60);
    const [service] = [sampleService(long, { kind: "job", port: undefined })];
    const context = previewContext({ app: "shop", pullRequest: 12, services: [service], dependencies: {} });
    const files = previewFiles(directory, context, new Map([[long, { repository: "r", digest: digest("a") }]]));
    const { metadata } = z
      .object({ metadata: z.object({ name: z.string().max(63) }) })
      .parse(parse(files[`${directory}/${long}/job.yaml`] ?? ""));
    expect(metadata.name).toMatch(/^a{52}-[0-9a-f]{10}$/);
  });

  test("pods with data of their own are one, whose claims go with the namespace", () => {
    const volumes = { data: { path: "/data", size: "1Gi", perPod: true } };
    const files = reportOf({ kind: "server", port: 8080, replicas: 3, volumes });
    expect(objectOf(files, "stateful-set.yaml")).toMatchObject({
      spec: { replicas: 1, volumeClaimTemplates: [{ metadata: { name: "data" } }] },
    });
    const shared = reportOf({ volumes: { data: { path: "/data", size: "1Gi" } } });
    const claim = JSON.stringify(objectOf(shared, "persistent-volume-claim-report-data.yaml"));
    expect(claim).toContain('"report-data"');
    expect(claim).not.toMatch(/Prune=false|Delete=false|IgnoreExtraneous/);
  });
});

test("databases are its own; what is outside of the cluster is left alone", () => {
  const { args, context, files } = declared(["link"]);
  expect(missingDependencies(args)).toEqual(["cache"]);
  expect(context.dependencies).toEqual({ "link-db": dependencies["link-db"], cache: "none" });
  expect(parse(files["previews/pr-12/link/config-map.yaml"] ?? "")).toMatchObject({
    data: { GRAPH_URL: "http://graph:7070", DB: "link-db:5432" },
  });
  expect(files["previews/pr-12/link/config-map.yaml"]).not.toContain("CACHE");
  expect(JSON.stringify(files)).not.toContain("acme.internal");
});

test("whatever needs a secret gets one that is made up, and the same one each time", () => {
  const { files } = declared(["link"]);
  const text = files["previews/pr-12/secrets.yaml"] ?? "";
  expect(text).toMatch(/^# Made up .* are no secret\./);
  const values = new Map(
    parseAllDocuments(text).flatMap((document) => {
      const { metadata, data } = document.toJS() as { metadata: { name: string }; data: Record<string, string> };
      return Object.entries(data).map(([key, value]) => [
        `${metadata.name} ${key}`,
        Buffer.from(value, "base64").toString(),
      ]);
    }),
  );
  expect([...values.keys()]).toEqual([
    "gateway-secrets TOKEN_SECRET",
    "link-secrets DB_PASSWORD",
    "link-db-secrets POSTGRES_PASSWORD",
  ]);
  expect(values.get("link-secrets DB_PASSWORD")).toBe(values.get("link-db-secrets POSTGRES_PASSWORD"));
  expect(new Set(values.values()).size).toBe(2);
  for (const value of values.values()) expect(value).toMatch(/^throwaway-[0-9a-f]{32}$/);
  expect(declared(["link"]).files["previews/pr-12/secrets.yaml"]).toBe(text);
});

test("where the cluster asks, its pods may have all of its images, and those of before", () => {
  const chosen = services.filter(({ name }) => ["link", "graph"].includes(name));
  const context = previewContext({ app: "shop", pullRequest: 12, services: chosen, dependencies, ingress });
  const images = new Map(
    chosen.map(({ name }) => [name, { repository: `docker.io/acme/shop-${name}`, digest: digest("a") }]),
  );
  const listed = (before: string): unknown =>
    parse(previewFiles("previews/pr-12", context, images, before)["previews/pr-12/allowed-images.yaml"] ?? "");
  const now = {
    "image-1": `docker.io/acme/shop-graph@${digest("a")}`,
    "image-2": `docker.io/acme/shop-link@${digest("a")}`,
    "image-3": "postgres:17",
  };
  expect(listed("")).toMatchObject({ metadata: { name: "preview.images", namespace: "shop-pr-12" }, data: now });
  const earlier = `docker.io/acme/shop-link@${digest("b")}`;
  expect(listed(`data: { "image-1": "${earlier}", "image-2": "postgres:17" }`)).toMatchObject({
    data: { ...now, "image-4": earlier },
  });
  const files = previewFiles("previews/pr-12", context, images, "");
  expect(parse(files["previews/pr-12/namespace.yaml"] ?? "")).toMatchObject({
    metadata: { labels: { "delivery/previews-of": "shop" } },
  });
  expect(parse(files["previews/pr-12/kustomization.yaml"] ?? "")).toMatchObject({
    resources: expect.arrayContaining(["allowed-images.yaml"]),
  });
  expect(previewFiles("previews/pr-12", context, images)).not.toHaveProperty(["previews/pr-12/allowed-images.yaml"]);
});

const location: PreviewLocation = {
  environment: {
    name: "dev",
    directory: "dev",
    repository: "https://git.example/deploy.git",
    branch: "main",
    stableTag: undefined,
    imagesOf: (service) => `docker.io/acme/shop-${service}`,
  },
  app: "shop",
  label: "preview",
  dependencies,
  ingress,
  gateway: undefined,
  asksForImages: false,
};
const preview: Preview = {
  name: "pr-12",
  namespace: "shop-pr-12",
  services: [
    {
      name: "gateway",
      repository: "docker.io/acme/shop-gateway",
      digest: digest("a"),
      changed: false,
      address: "http://gateway.example",
      entry: true,
      port: 7070,
    },
    {
      name: "link",
      repository: "docker.io/acme/shop-link",
      digest: digest("b"),
      changed: true,
      address: "http://link.example",
      entry: false,
      port: 7071,
    },
  ],
  outside: true,
  dependencies: ["link-db"],
  missing: ["cache"],
  unmigrated: [],
  commit: "0123456",
};

test("the comment says where it is, what runs there, what does not, and how it goes away", () => {
  expect(previewText(preview, location)).toBe(`### Preview environment \`pr-12\`

**gateway: http://gateway.example**

| service | image | as in |
| --- | --- | --- |
| gateway | \`sha256:aaaaaaaaaaaa\` | dev |
| link | \`sha256:bbbbbbbbbbbb\` | **this pull request** |

Its own, empty at first: \`link-db\`.

Not there: \`cache\`. dev has it outside of the cluster, where a preview must not reach.

It runs in the namespace \`shop-pr-12\`, with made-up secrets, as soon as Argo CD has seen it. It goes when the pull request is closed or loses the label \`preview\`.
`);
});

test("without a way in from outside, the comment says how to get there all the same", () => {
  expect(previewText({ ...preview, outside: false }, location)).toContain(
    "Within the cluster: http://gateway.example; from outside: `kubectl port-forward --namespace shop-pr-12 service/gateway 7070`.",
  );
});

test("a pull request that changes no service has an empty environment", () => {
  const { files } = declared([]);
  expect(Object.keys(files)).toEqual(["previews/pr-12/kustomization.yaml", "previews/pr-12/namespace.yaml"]);
});
