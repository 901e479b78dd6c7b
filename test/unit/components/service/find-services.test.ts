import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  findServices,
  unclaimedDockerfiles,
  type DiscoveryArgs,
} from "../../../../components/service/find-services.ts";
import { rejectProblems } from "../../../../components/rejection.ts";
import type { Service, ServiceSettings } from "../../../../components/service/service.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "discovery-"))));
afterEach(() => rmSync(directory, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}

/** As the program finds them: all problems are one error. */
function discover(args: Partial<DiscoveryArgs> = {}): Service[] {
  const { services, problems } = findServices({
    app: { name: "shop", directory, services: "svc/*" },
    file: "stacks/Pulumi.dev.yaml",
    defaults: {},
    overrides: {},
    dependencies: new Set(),
    secrets: new Set(),
    images: { registry: "docker.io", organization: "acme", context: "service" },
    ...args,
  });
  rejectProblems(problems);
  return services;
}

const dockerfile = "FROM scratch\nEXPOSE 7070\n";

test("what CI's job runs with the environment's credentials, its stack file says, and no service", () => {
  const command = "verify: { checks: [{ http: { path: /healthz } }, { command: make smoke }] }\n";
  write({ "svc/link/Dockerfile": dockerfile, "svc/link/service.yaml": command });
  expect(() => discover()).toThrow(
    /link\/service\.yaml: verify\.checks: a command runs with the environment's own credentials.* in services\.link\.verify of stacks/,
  );
  write({ "svc/link/service.yaml": "verify: { minutes: 5, checks: [{ http: { path: /healthz } }] }\n" });
  expect(discover()[0]?.verify).toMatchObject({ minutes: 5 });
  const checks = [{ command: "make smoke" }];
  expect(discover({ overrides: { link: { verify: { checks } } } })[0]?.verify).toEqual({ minutes: 5, checks });
});

describe("services are found", () => {
  test("by their Dockerfiles, sorted by name, with their directories", () => {
    write({
      "svc/user_service/Dockerfile": dockerfile,
      "svc/link-service/Dockerfile": dockerfile,
      "svc/api_gateway/Dockerfile": dockerfile,
    });
    expect(discover().map(({ name, directory: at }) => [name, at])).toEqual([
      ["api-gateway", join(directory, "svc/api_gateway")],
      ["link", join(directory, "svc/link-service")],
      ["user", join(directory, "svc/user_service")],
    ]);
  });

  test("only where the pattern says", () => {
    write({ "svc/link/Dockerfile": dockerfile, "tools/gen/Dockerfile": dockerfile, Dockerfile: dockerfile });
    expect(discover().map(({ name }) => name)).toEqual(["link"]);
    expect(discover({ app: { name: "shop", directory, services: "{svc,tools}/*" } }).map(({ name }) => name)).toEqual([
      "gen",
      "link",
    ]);
  });

  test("not in files and directories without a Dockerfile", () => {
    write({ "svc/link/Dockerfile": dockerfile, "svc/README.md": "", "svc/shared/lib.go": "" });
    expect(discover().map(({ name }) => name)).toEqual(["link"]);
  });
});

describe("settings", () => {
  test("come from the defaults, then service.yaml, then the stack's own for the service", () => {
    write({
      "svc/link_service/Dockerfile": dockerfile,
      "svc/link_service/service.yaml": "replicas: 2\nenv: { B: file, C: file }\nprobes: { liveness: /live }\n",
    });
    const [link] = discover({
      defaults: {
        replicas: 1,
        env: { A: "default", B: "default", C: "default" },
        probes: { liveness: "/healthz", readiness: "/readyz" },
      },
      overrides: { link: { env: { C: "stack" } } },
    });
    expect(link).toMatchObject({
      replicas: 2,
      env: { A: "default", B: "file", C: "stack" },
      probes: { liveness: "/live", readiness: "/readyz" },
    });
  });

  test("of what makes files for images are merged, also where they are only a command", () => {
    write({
      "svc/a/Dockerfile": dockerfile,
      "svc/b/Dockerfile": dockerfile,
      "svc/b/service.yaml": "build: { prepare: gradle jar }\n",
    });
    const prepare = { command: "mvn -pl $SERVICE_DIRECTORY package", image: "cimg/openjdk:21.0" };
    expect(discover({ defaults: { build: { prepare } } }).map(({ build }) => build?.prepare)).toEqual([
      prepare,
      { ...prepare, command: "gradle jar" },
    ]);
  });

  test("of one service do not leak into another", () => {
    write({
      "svc/a/Dockerfile": dockerfile,
      "svc/b/Dockerfile": dockerfile,
      "svc/a/service.yaml": "env: { A: file }\n",
    });
    const [a, b] = discover({ defaults: { env: { ALL: "1" } }, overrides: { a: { replicas: 9 } } });
    expect(a).toMatchObject({ replicas: 9, env: { ALL: "1", A: "file" } });
    expect(b?.replicas).toBeUndefined();
    expect(b?.env).toEqual({ ALL: "1" });
  });

  test.each<[what: string, file: string, overrides: Record<string, { port: number }>, port: number]>([
    ["EXPOSE where nothing else says", "", {}, 7070],
    ["service.yaml before EXPOSE", "port: 8080\n", {}, 8080],
    ["the stack before service.yaml", "port: 8080\n", { link: { port: 9090 } }, 9090],
  ])("the port is that of %s", (_what, file, overrides, port) => {
    write({ "svc/link/Dockerfile": dockerfile, "svc/link/service.yaml": file });
    expect(discover({ overrides }).map((service) => service.port)).toEqual([port]);
  });

  test.each<[what: string, settings: ServiceSettings, exposed: string, port: number | undefined]>([
    ["a server by its EXPOSE", {}, "EXPOSE 7070\n", 7070],
    ["a worker without one", {}, "", undefined],
    ["a worker with one that it says", { kind: "worker" }, "EXPOSE 7070\n", undefined],
    ["a server that says its port", { kind: "server", port: 1 }, "", 1],
  ])("%s", (_what, settings, exposed, port) => {
    write({ "svc/link/Dockerfile": `FROM scratch\n${exposed}` });
    // What all others have, a worker need not.
    const defaults = { probes: { liveness: "/healthz" }, expose: true };
    expect(discover({ defaults, overrides: { link: settings } }).map((service) => service.port)).toEqual([port]);
  });

  test("an image reference that registries refuse as too long is a problem", () => {
    write({ [`svc/${"a".repeat(60)}/Dockerfile`]: dockerfile });
    expect(() =>
      discover({ images: { registry: "docker.io", organization: "o".repeat(179), context: "app" } }),
    ).not.toThrow();
    expect(() =>
      discover({ images: { registry: "docker.io", organization: "o".repeat(180), context: "app" } }),
    ).toThrow(/has 256 characters; registries take at most 255/);
  });
});

describe("what an image is built from", () => {
  const images = { registry: "docker.io", organization: "acme", context: "service" } as const;
  /** Per service: its directory, its Dockerfile and what the build sees, from the root of the monorepo. */
  const built = (args: Partial<DiscoveryArgs> = {}): Record<string, string[]> => {
    const at = (path: string): string => path.slice(directory.length + 1) || ".";
    return Object.fromEntries(
      discover(args).map((service) => [
        service.name,
        [at(service.directory), at(service.dockerfile), at(service.context)],
      ]),
    );
  };

  test.each<[what: string, files: readonly string[], args: Partial<DiscoveryArgs>, services: Record<string, string[]>]>(
    [
      ["is its directory", ["svc/a"], {}, { a: ["svc/a", "svc/a/Dockerfile", "svc/a"] }],
      [
        "is all of the monorepo where all images see that",
        ["svc/a"],
        { images: { ...images, context: "app" } },
        { a: ["svc/a", "svc/a/Dockerfile", "."] },
      ],
      [
        "is what the stack says of a service that is found",
        ["svc/a", "docker/a"],
        { overrides: { a: { dockerfile: "docker/a/Dockerfile", context: "." } } },
        { a: ["svc/a", "docker/a/Dockerfile", "."] },
      ],
      [
        "is beside a Dockerfile that the stack names",
        ["svc/a", "src/cart/src"],
        { overrides: { cart: { dockerfile: "./src/cart/src/Dockerfile" } } },
        {
          a: ["svc/a", "svc/a/Dockerfile", "svc/a"],
          cart: ["src/cart/src", "src/cart/src/Dockerfile", "src/cart/src"],
        },
      ],
      [
        "is the context where the Dockerfile is elsewhere",
        ["docker", "web"],
        { overrides: { web: { dockerfile: "docker/Dockerfile", context: "web/" } } },
        { web: ["web", "docker/Dockerfile", "web"] },
      ],
      [
        "is beside the Dockerfile where that is in the context",
        ["src/cart"],
        { overrides: { cart: { dockerfile: "src/cart/Dockerfile", context: "src" } } },
        { cart: ["src/cart", "src/cart/Dockerfile", "src"] },
      ],
      [
        "makes several services of one Dockerfile, in place of its directory",
        ["svc/shop"],
        { overrides: { web: { dockerfile: "svc/shop/Dockerfile" }, worker: { dockerfile: "svc/shop/Dockerfile" } } },
        {
          web: ["svc/shop", "svc/shop/Dockerfile", "svc/shop"],
          worker: ["svc/shop", "svc/shop/Dockerfile", "svc/shop"],
        },
      ],
      [
        "makes several services of one Dockerfile beside its directory, of which the stack speaks, too",
        ["svc/shop"],
        { overrides: { shop: {}, worker: { dockerfile: "svc/shop/Dockerfile" } } },
        {
          shop: ["svc/shop", "svc/shop/Dockerfile", "svc/shop"],
          worker: ["svc/shop", "svc/shop/Dockerfile", "svc/shop"],
        },
      ],
      [
        "is one Dockerfile for all directories",
        ["docker", "svc/a", "svc/b"],
        { defaults: { dockerfile: "docker/Dockerfile", context: "." } },
        { a: ["svc/a", "docker/Dockerfile", "."], b: ["svc/b", "docker/Dockerfile", "."] },
      ],
      ["is the root", ["."], { overrides: { shop: { dockerfile: "Dockerfile" } } }, { shop: [".", "Dockerfile", "."] }],
    ],
  )("%s", (_what, directories, args, services) => {
    write({ "svc/README.md": "", ...Object.fromEntries(directories.map((at) => [`${at}/Dockerfile`, dockerfile])) });
    expect(built(args)).toEqual(services);
  });

  test("is named by the service's own file, which goes with whichever service is in its directory", () => {
    write({
      "svc/a/Dockerfile.prod": dockerfile,
      "svc/a/service.yaml": "name: cart\ndockerfile: svc/a/Dockerfile.prod\ncontext: .\nreplicas: 2\n",
      "src/b/Dockerfile": dockerfile,
      "src/b/service.yaml": "replicas: 3\n",
    });
    const overrides = { cart: { env: { A: "1" } }, b: { dockerfile: "src/b/Dockerfile" } };
    expect(built({ overrides })).toEqual({
      b: ["src/b", "src/b/Dockerfile", "src/b"],
      cart: ["svc/a", "svc/a/Dockerfile.prod", "."],
    });
    expect(discover({ overrides })).toMatchObject([{ replicas: 3 }, { replicas: 2, env: { A: "1" } }]);
  });

  test("has the name that the stack gives it", () => {
    write({ "svc/a/Dockerfile": dockerfile, "svc/b/Dockerfile": dockerfile });
    const overrides = { a: { name: "cart" }, x: { name: "y", dockerfile: "svc/b/Dockerfile" } };
    expect(Object.keys(built({ overrides }))).toEqual(["cart", "y"]);
  });

  test("has those of the arguments for all that its Dockerfile declares", () => {
    write({ "svc/a/Dockerfile": `ARG A\n${dockerfile}`, "svc/b/Dockerfile": `ARG B\n${dockerfile}` });
    const services = discover({
      defaults: { buildArgs: { A: "1", B: "1" } },
      overrides: { b: { buildArgs: { B: "2" } } },
    });
    expect(services.map(({ buildArgs }) => buildArgs)).toEqual([{ A: "1" }, { B: "2" }]);
  });

  test("cannot be said for several services in one file", () => {
    write({
      "apps/shop/Dockerfile": dockerfile,
      "apps/shop/service.yaml": "replicas: 2\n",
      "svc/link/Dockerfile": dockerfile,
      "svc/link/service.yaml": "replicas: 3\n",
    });
    const [web, mail] = [{ dockerfile: "apps/shop/Dockerfile" }, { dockerfile: "svc/link/Dockerfile" }];
    expect(() => discover({ overrides: { web, worker: web } })).toThrow(
      /apps\/shop\/service\.yaml: is of several services, web and worker; say it in `services` of stacks\/Pulumi\.dev\.yaml/,
    );
    // Beside the service that the directory stands for, the file is that one's.
    const services = discover({ overrides: { link: {}, mail } });
    expect(services.map(({ name, replicas }) => [name, replicas])).toEqual([
      ["link", 3],
      ["mail", undefined],
    ]);
  });

  test("is no manifest of Kubernetes that is called like a service's own file", () => {
    const manifest = "apiVersion: v1\nkind: Service\nmetadata: { name: a }\n---\napiVersion: v1\nkind: Secret\n";
    write({ "svc/a/Dockerfile": dockerfile, "svc/a/service.yaml": manifest, "svc/b/service.yaml": manifest });
    expect(Object.keys(built())).toEqual(["a"]);
  });

  test("has its settings in a file of the name that the stack file says, where another one has taken the usual name", () => {
    write({
      "svc/a/Dockerfile": dockerfile,
      "svc/a/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: { name: a }\n",
      "svc/a/delivery.yml": "replicas: 3\n",
      "svc/b/Dockerfile": dockerfile,
      "svc/b/service.yaml": "name: [of another tool]\n",
    });
    const app = { name: "shop", directory, services: "svc/*", serviceFile: "delivery.yml" };
    expect(discover({ app }).map(({ name, replicas }) => [name, replicas])).toEqual([
      ["a", 3],
      ["b", undefined],
    ]);
    expect(() => discover({ app: { ...app, serviceFile: "delivery.yaml" } })).toThrow(
      /svc\/a\/delivery.yml: is not read; call it delivery.yaml/,
    );
  });
});

test("all problems of all services are reported at once", () => {
  write({
    "svc/a/Dockerfile": "FROM scratch\nEXPOSE 0\n",
    "svc/b/Dockerfile": dockerfile,
    "svc/b/service.yaml": "peers: [x]\nsecrets: { KEY: none }\n",
    "svc/c/service.yaml": "",
  });
  expect(() => discover({ overrides: { d: {} } })).toThrow(/^5 problems; nothing was changed\n(.*\n?){5}$/);
});

describe("of what Git ignores", () => {
  const git = (...args: readonly string[]): Buffer =>
    execFileSync("git", ["-C", directory, ...args], { stdio: "pipe" });
  const found = (services: string): string[] =>
    discover({ app: { name: "shop", directory, services } }).map(({ directory: at }) => at.slice(directory.length + 1));

  test.each([
    ["a folder", "/build/\n", "build/out"],
    ["a folder anywhere", "dist\n", "services/link/dist/app"],
    ["a pattern", "services/tmp-*\n", "services/tmp-1"],
    ["everything but some", "services/*\n!services/link\n", "services/old"],
    ["a folder in a folder's own file", "", "services/generated"],
  ])("no service is made: %s", (_what, ignored, path) => {
    write({
      ".gitignore": ignored,
      "services/.gitignore": "generated/\n",
      "services/link/Dockerfile": dockerfile,
      [`${path}/Dockerfile`]: dockerfile,
    });
    expect(found("**").toSorted()).toEqual([path, "services/link"].toSorted());
    git("init", "-q");
    expect(found("**")).toEqual(["services/link"]);
    expect(found("{build,services}/**")).toEqual(["services/link"]);
  });

  test("a service is made that is committed all the same", () => {
    write({ ".gitignore": "build/\n", "build/link/Dockerfile": dockerfile, "build/old/Dockerfile": dockerfile });
    git("init", "-q");
    git("add", "-f", "build/link");
    expect(found("build/*")).toEqual(["build/link"]);
  });

  test.each([true, false])("no service is made of a package, with Git or without: %s", (inGit) => {
    write({
      "services/link/Dockerfile": dockerfile,
      "services/link/node_modules/x/Dockerfile": dockerfile,
      "services/node_modules/y/Dockerfile": dockerfile,
      "services/node_modules/y/service.yaml": "nonsense: true\n",
    });
    if (inGit) git("init", "-q");
    expect(found("services/**")).toEqual(["services/link"]);
  });

  test("a monorepo may be a part of a checkout", () => {
    write({
      ".gitignore": "app/build\n",
      "app/svc/link/Dockerfile": dockerfile,
      "app/build/old/Dockerfile": dockerfile,
    });
    git("init", "-q");
    const app = { name: "shop", directory: join(directory, "app"), services: "**" };
    expect(discover({ app }).map(({ name }) => name)).toEqual(["link"]);
  });

  test("the user's own settings change nothing", () => {
    write({ "svc/link/Dockerfile": dockerfile, ignore: "svc\n" });
    git("init", "-q");
    git("config", "core.excludesFile", join(directory, "ignore"));
    expect(found("svc/*")).toEqual(["svc/link"]);
  });

  test("Dockerfiles that no service has are named", () => {
    write({
      ".gitignore": "build\n",
      "svc/link/Dockerfile": dockerfile,
      "svc/link/testdata/Dockerfile": dockerfile,
      "tools/migrate/Dockerfile": dockerfile,
      "svc/link/Dockerfile.test": dockerfile,
      "docker/web.Dockerfile": dockerfile,
      "docker/api.Dockerfile": dockerfile,
      "build/x/Dockerfile": dockerfile,
      "node_modules/y/Dockerfile": dockerfile,
      ".devcontainer/Dockerfile": dockerfile,
      Dockerfile: dockerfile,
    });
    const overrides = { api: { dockerfile: "docker/api.Dockerfile", context: "svc" } };
    const unclaimed = (services: string): string | undefined => {
      const app = { name: "shop", directory, services };
      return unclaimedDockerfiles({ app, file: "stacks/Pulumi.dev.yaml" }, discover({ app, overrides }));
    };
    expect(unclaimed("svc/*")).toBeUndefined();
    git("init", "-q");
    expect(unclaimed("svc/*")).toBe(
      `no service has ${join(directory, "Dockerfile")}, ${join(directory, "docker/web.Dockerfile")}, ${join(directory, "tools/migrate/Dockerfile")}: app.services of stacks/Pulumi.dev.yaml is "svc/*"`,
    );
    expect(unclaimed("{svc,tools}/*")).not.toContain("tools/migrate");
  });
});
