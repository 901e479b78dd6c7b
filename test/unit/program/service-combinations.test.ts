import { expect, test } from "vitest";
import { findServices, type DiscoveryArgs } from "../../../components/service/find-services.ts";
import type { ServiceSettings, SettingsLayer } from "../../../components/service/service.ts";
import { problemLine } from "../../../core/problem.ts";
import { SampleMonorepo } from "../../support/sample-monorepo.ts";

type Stack = Partial<Omit<DiscoveryArgs, "app" | "images" | "file">>;

function stackOf(monorepo: SampleMonorepo): DiscoveryArgs {
  return {
    app: { name: "shop", directory: monorepo.root, services: "svc/*" },
    file: "stack",
    defaults: {},
    overrides: {},
    dependencies: new Set(["db", "cache"]),
    secrets: new Set(["key"]),
    images: { registry: "docker.io", organization: "acme", context: "service" },
  };
}

/** What is wrong with services that have these `service.yaml` files, as lines without the directory. */
function problems(services: Readonly<Record<string, string>>, stack: Stack = {}): string[] {
  const files = Object.entries(services).flatMap(([name, settings]) => [
    [`svc/${name}/Dockerfile`, "FROM scratch\nEXPOSE 7070\n"],
    ...(settings === "" ? [] : [[`svc/${name}/service.yaml`, settings]]),
  ]);
  using monorepo = new SampleMonorepo(Object.fromEntries(files));
  const found = findServices({ ...stackOf(monorepo), ...stack });
  return found.problems.map((problem) => problemLine(problem).replaceAll(`${monorepo.root}/`, ""));
}

const gateway = { gateway: { domain: "dev.acme.example" } };
const ingress = { ingress: { domain: "dev.acme.example" } };
const shared = "expose: { host: api.acme.example";
const grpc = `ports: { rpc: { port: 1, protocol: gRPC } }\n${shared} }`;

test.each<[what: string, services: Record<string, string>, stack: Stack, problems: string[]]>([
  [
    "one host and path of two services",
    { a: `${shared}, path: /v1 }`, b: `${shared}, path: /v1/ }` },
    {},
    [
      "svc/b/service.yaml: expose: api.acme.example/v1 is taken by a (svc/a/service.yaml: expose); give one of them another host or path",
    ],
  ],
  ["one host, two paths", { a: `${shared}, path: /v1 }`, b: `${shared} }` }, { cluster: gateway }, []],
  [
    "a host of its own that is another's by default",
    { a: "expose: { host: b.dev.acme.example }", b: "expose: true" },
    { cluster: ingress },
    [
      "svc/b/service.yaml: expose: b.dev.acme.example/ is taken by a (svc/a/service.yaml: expose); give one of them another host or path",
    ],
  ],
  [
    "gRPC and HTTP at one host of a Gateway",
    { a: `${shared}, path: /v1 }`, b: grpc },
    { cluster: gateway },
    [
      "svc/b/service.yaml: expose: api.acme.example, which is for gRPC or for HTTP and not for both is taken by a (svc/a/service.yaml: expose); give one of them another host",
    ],
  ],
  ["gRPC and HTTP at one host of an Ingress", { a: `${shared}, path: /v1 }`, b: grpc }, { cluster: ingress }, []],
  [
    "a way in by default that one service over UDP alone cannot have",
    { a: "ports: { dns: { port: 53, protocol: UDP } }", b: "" },
    { defaults: { expose: true } },
    [],
  ],
  [
    "a way in by default to a port that one has not",
    { a: "ports: { web: 80 }", b: "" },
    { defaults: { expose: { port: "web" } } },
    [`stack: defaults.expose.port: b: "web": is no port over TCP; there are http`],
  ],
  [
    "a limit of the start by default that one is not asked for",
    { a: "kind: worker", b: "" },
    { defaults: { probes: { startup: { seconds: 90 } } } },
    [],
  ],
  [
    "defaults for crons where none is",
    { a: "kind: job", b: "" },
    { defaults: { schedule: "@daily", backoffLimit: 1 } },
    ["stack: defaults.schedule: has no effect: no service is a cron; remove it"],
  ],
  [
    "a variable that is plain and secret",
    { a: "env: { A: b }\nsecrets: { A: key }" },
    {},
    [
      "svc/a/service.yaml: env.A: has no effect beside svc/a/service.yaml: secrets.A, which sets the same variable; remove one of them",
    ],
  ],
  [
    "a variable that one environment has in plain text",
    { a: "secrets: { A: key }" },
    { overrides: { a: { env: { A: "b" } } } },
    [],
  ],
  [
    "two dependencies in one variable",
    { a: "dependencies: { db: { address: A }, cache: { address: A } }" },
    {},
    [
      "svc/a/service.yaml: dependencies.cache.address: A is to hold the address of db already; give each a variable of its own",
    ],
  ],
  [
    "two dependencies in one variable, of which the environment has one",
    { a: "dependencies: { db: { address: A }, cache: { address: A } }" },
    { absent: new Set(["db"]) },
    [],
  ],
  [
    "a dependency in the variable of a peer that nobody has named",
    { a: "peers: [b]\ndependencies: { db: { address: B_URL } }", b: "" },
    {},
    [
      "svc/a/service.yaml: peers: B_URL is to hold the addresses of the peer b and the dependency db; give each a variable of its own",
    ],
  ],
  [
    "a job for a peer",
    { a: "peers: [b]", b: "kind: job" },
    {},
    [`svc/a/service.yaml: peers: "b" is a job, which nobody can call; remove it, or set \`kind\` of b to server`],
  ],
  [
    "a claim that another service's pods would have",
    {
      a: "volumes: { data: { path: /d, size: 1Gi, perPod: true } }",
      data: "volumes: { a-0: { path: /d, size: 1Gi } }",
    },
    {},
    [
      "svc/data/service.yaml: volumes.a-0: needs the name of the PersistentVolumeClaim data-a-0, which is that of a pod of a; rename one of them",
    ],
  ],
])("%s", (_what, services, stack, expected) => expect(problems(services, stack)).toEqual(expected));

const parts = [
  "volumes: { data: { path: /data, size: 1Gi } }",
  "autoscaling: { min: 1, max: 2 }",
  "ports: { rpc: { port: 90, protocol: gRPC } }",
  "migrations: { command: [migrate] }",
  "dependencies: { db: { address: DB } }",
].join("\n");

test("an environment changes a part of what has several", () => {
  const more: SettingsLayer = {
    volumes: { data: { size: "5Gi", accessMode: "ReadWriteMany" } },
    autoscaling: { max: 9 },
    ports: { rpc: { protocol: "TCP" } },
    migrations: { contract: true },
    dependencies: { db: { password: "DB_PASSWORD" } },
  };
  using monorepo = new SampleMonorepo({ "svc/a/Dockerfile": "", "svc/a/service.yaml": parts });
  const { services, problems: found } = findServices({ ...stackOf(monorepo), overrides: { a: more } });
  expect(found).toEqual([]);
  expect(services).toEqual([
    expect.objectContaining({
      volumes: { data: { path: "/data", size: "5Gi", accessMode: "ReadWriteMany" } },
      autoscaling: { min: 1, max: 9 },
      ports: { rpc: { port: 90, protocol: "TCP" } },
      migrations: { command: ["migrate"], contract: true },
      dependencies: { db: { address: "DB", password: "DB_PASSWORD" } },
    }),
  ]);
});

test.each<[what: string, service: string, stack: Stack, problem: string]>([
  [
    "a volume's path",
    "volumes: { data: { size: 1Gi } }",
    {},
    "svc/a/service.yaml: volumes.data.path: missing; must be an absolute path",
  ],
  [
    "a minimum",
    "",
    { overrides: { a: { autoscaling: { max: 2 } } } },
    "stack: services.a.autoscaling.min: missing; must be a whole number",
  ],
  ["a port's number", "ports: { rpc: { protocol: gRPC } }", {}, "svc/a/service.yaml: ports.rpc.port: missing; must be"],
  [
    "a command",
    "migrations: { contract: true }",
    {},
    "svc/a/service.yaml: migrations.command: missing; must be a list",
  ],
  [
    "a variable",
    "dependencies: { db: { password: A } }",
    {},
    "svc/a/service.yaml: dependencies.db.address: missing; must be",
  ],
  [
    "a minimum that is not above the maximum of another layer",
    "autoscaling: { min: 3, max: 9 }",
    { overrides: { a: { autoscaling: { max: 2 } } } },
    'stack: services.a.autoscaling: {"min":3,"max":2}: autoscaling needs min <= max',
  ],
])("what lacks %s in all layers gets one clear error", (_what, service, stack, problem) => {
  expect(problems({ a: service }, stack)).toEqual([expect.stringContaining(problem)]);
});

test.each<[what: string, layers: readonly ServiceSettings[], peers: ServiceSettings["peers"]]>([
  ["adds to a list", [{ peers: ["b-c"] }, { peers: { d: "D" } }], { "b-c": "B_C_URL", d: "D" }],
  ["wins over a list", [{ peers: ["b"] }, { peers: { b: "B_ADDR" } }], { b: "B_ADDR" }],
])("a later layer's map of peers %s", (_what, [service = {}, environment = {}], peers) => {
  using monorepo = new SampleMonorepo(
    Object.fromEntries(["a", "b", "b-c", "d"].map((name) => [`svc/${name}/Dockerfile`, "EXPOSE 1"])),
  );
  monorepo.write({ "svc/a/service.yaml": JSON.stringify(service) });
  expect(monorepo.monorepo("app", { a: environment }).services[0]?.peers).toEqual(peers);
});
