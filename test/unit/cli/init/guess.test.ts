import { describe, expect, test } from "vitest";
import { appName } from "../../../../cli/init/guess.ts";
import { guessedStack } from "../../../support/guessed-stack.ts";

const web = "FROM scratch\nEXPOSE 8080\n";

/** The services that the program finds with the stack file: name → Dockerfile and build context, from the root. */
function found(files: Readonly<Record<string, string>>): Record<string, string> {
  const { accepted, config } = guessedStack(files);
  expect(accepted.problems).toEqual([]);
  const root = `${Object(config["app"]).directory}/`;
  const at = (path: string): string => (path.startsWith(root) ? path.slice(root.length) : ".");
  return Object.fromEntries(
    accepted.services.map(({ name, dockerfile, context }) => [name, `${at(dockerfile)} in ${at(context)}`]),
  );
}

describe("a service is", () => {
  test.each<[what: string, files: Record<string, string>, services: Record<string, string>]>([
    ["a directory with a Dockerfile", { "src/a/Dockerfile": web }, { a: "src/a/Dockerfile in src/a" }],
    [
      "each of several directories, wherever they are",
      { "svc/a_service/Dockerfile": web, "svc/b/Dockerfile": web, "apps/c/Dockerfile": web, "d/e/f/Dockerfile": web },
      {
        a: "svc/a_service/Dockerfile in svc/a_service",
        b: "svc/b/Dockerfile in svc/b",
        c: "apps/c/Dockerfile in apps/c",
        f: "d/e/f/Dockerfile in d/e/f",
      },
    ],
    [
      "a Dockerfile below a folder that says nothing, whatever code has in a path",
      {
        "src/cart/src/Dockerfile": web,
        "src/ad/Dockerfile": web,
        "src/ad/app.js": 'import "src/x"; get("http://src/")',
      },
      { cart: "src/cart/src/Dockerfile in src/cart/src", ad: "src/ad/Dockerfile in src/ad" },
    ],
    [
      "each of several Dockerfiles of one folder",
      { "docker/web.Dockerfile": web, "docker/Dockerfile-api": web, "docker/Dockerfile.mail": web },
      {
        web: "docker/web.Dockerfile in docker",
        api: "docker/Dockerfile-api in docker",
        mail: "docker/Dockerfile.mail in docker",
      },
    ],
    [
      "the only Dockerfile of its folder, whatever it is called",
      { "apps/web/Dockerfile.web": web, "apps/proxy/Dockerfile.ce": web, "apps/a/src/main/docker/Dockerfile": web },
      {
        a: "apps/a/src/main/docker/Dockerfile in apps/a/src/main/docker",
        web: "apps/web/Dockerfile.web in apps/web",
        proxy: "apps/proxy/Dockerfile.ce in apps/proxy",
      },
    ],
    [
      "a second Dockerfile of a service",
      { "svc/a/Dockerfile": web, "svc/a/Dockerfile.worker": web, "svc/b/Dockerfile": web },
      {
        a: "svc/a/Dockerfile in svc/a",
        "a-worker": "svc/a/Dockerfile.worker in svc/a",
        b: "svc/b/Dockerfile in svc/b",
      },
    ],
    ["the whole repository", { Dockerfile: web }, { shop: "Dockerfile in ." }],
    [
      "told from others of its name by the folder around",
      { "one/node/Dockerfile": web, "two/node/Dockerfile": web },
      { "one-node": "one/node/Dockerfile in one/node", "two-node": "two/node/Dockerfile in two/node" },
    ],
    [
      "given a name that Kubernetes takes",
      { "svc/Mail.Sender/Dockerfile": web, "svc/2fa/Dockerfile": web },
      { "mail-sender": "svc/Mail.Sender/Dockerfile in svc/Mail.Sender", "shop-2fa": "svc/2fa/Dockerfile in svc/2fa" },
    ],
    [
      "each stage that Compose builds",
      {
        "compose.yaml":
          "services:\n  web: { build: { context: ., target: web }, ports: ['80:8080'] }\n  mail: { build: { context: ., target: mail } }\n",
        Dockerfile: "FROM scratch AS web\nFROM scratch AS mail\n",
      },
      { web: "Dockerfile in .", mail: "Dockerfile in ." },
    ],
    [
      "built where all is that its Dockerfile copies",
      {
        "go.mod": "module shop\n",
        "svc/a/Dockerfile": `FROM golang\nCOPY go.mod .\nCOPY svc/a svc/a\nRUN go build ./svc/a\nEXPOSE 8080\n`,
        "svc/a/main.go": "package main\n",
        "svc/b/Dockerfile": `FROM x\nCOPY *.py ./\nEXPOSE 8080\n`,
        "svc/b/app.py": "",
        "svc/c/Dockerfile": `FROM golang\nCOPY . .\nRUN go build ./svc/c\nEXPOSE 8080\n`,
        "svc/c/main.go": "package main\n",
      },
      { a: "svc/a/Dockerfile in .", b: "svc/b/Dockerfile in svc/b", c: "svc/c/Dockerfile in ." },
    ],
  ])("%s", (_what, files, services) => expect(found(files)).toEqual(services));

  test.each<[what: string, path: string, dockerfile: string, reason: RegExp]>([
    ["no package of others", "svc/a/node_modules/x/Dockerfile", web, /node_modules is not the repository's own/],
    ["no variant for tests", "svc/a/Dockerfile.test", web, /variant for test/],
    ["no variant for development", "svc/a/dev.Dockerfile", web, /variant for dev/],
    ["no test", "tests/load/Dockerfile", web, /in tests/],
    ["no example", "examples/hello/Dockerfile", web, /in examples/],
    ["no database", "svc/db/Dockerfile", "FROM postgres:17\n", /FROM postgres:17: a dependency/],
    ["no tool", "ops/grafana/Dockerfile", "FROM grafana/grafana\n", /FROM grafana\/grafana: a tool/],
    ["nothing for Windows", "svc/w/Dockerfile", "FROM mcr.microsoft.com/windows/servercore\n", /does not run on Linux/],
    ["nothing that runs once", "migrations/Dockerfile", "FROM x\n", /migrations runs once/],
    ["no command line", "svc/shop-cli/Dockerfile", "FROM x\n", /shop-cli is a command line/],
    ["no template", "docker/Dockerfile", "FROM x\nARG JAR\nCOPY ${JAR} app.jar\n", /copies what JAR says/],
    ["no base of others", "svc/Dockerfile.base", "FROM x\n", /variant for base/],
    [
      "nothing that Maven fills in",
      "svc/b/src/main/docker/Dockerfile",
      "FROM x\nADD @project.build.finalName@.jar app.jar\n",
      /copies @project\.build\.finalName@, which a plugin/,
    ],
    ["no empty file", "svc/e/Dockerfile", "", /has no FROM/],
  ])("%s, and the reason is said", (_what, path, dockerfile, reason) => {
    const { guess, text, accepted } = guessedStack({ "svc/a/Dockerfile": web, [path]: dockerfile });
    expect(guess.leftOut).toMatchObject([{ path, reason: expect.stringMatching(reason) }]);
    expect(text).toMatch(new RegExp(`^  # ${path.replaceAll(".", "\\.")}: `, "m"));
    // The pattern for the others must not find it.
    expect(accepted.services.map(({ name }) => name)).toEqual(["a"]);
  });
});

describe("of Compose", () => {
  const compose = `
x-env: &env { LOG: info }
services:
  web:
    build: { context: ., dockerfile: docker/web.Dockerfile, args: { EDITION: "\${EDITION}", UNKNOWN: x } }
    ports: ["\${PORT:-80}:8000"]
    depends_on: [api-service]
    environment:
      - API_URL=http://api-service:9000
      - DATABASE_URL=postgres://shop:hunter2@db:5432/shop
      - CACHE_HOST=cache
      - CACHE_ADDR
  api-service:
    build: svc/api_service
    ports: [9000]
    depends_on: { db: { condition: service_healthy }, web: {} }
    environment: { <<: *env, DB_ADDRESS: "db:5432" }
  mail: { build: svc/mail }
  seed: { build: svc/seed, restart: "no" }
  db: { image: "postgres:17-alpine" }
  cache: { image: "valkey/valkey:9" }
`;
  const files = {
    "compose.yaml": compose,
    ".env": "EDITION=full # of the shop\nCACHE_ADDR=cache:6379\n",
    "docker/web.Dockerfile": "FROM node\nARG EDITION\nCOPY svc/web .\n",
    "svc/web/package.json": "{}",
    "svc/api_service/Dockerfile": "FROM golang\n",
    "svc/mail/Dockerfile": "FROM python\n",
    "svc/seed/Dockerfile": "FROM python\n",
  };

  test("come builds, ports, peers and dependencies", () => {
    const { config, guess, accepted, text } = guessedStack(files);
    expect(accepted.problems).toEqual([]);
    expect(config["services"]).toEqual({
      web: {
        dockerfile: "docker/web.Dockerfile",
        context: ".",
        buildArgs: { EDITION: "full" },
        port: 8000,
        peers: ["api"],
        dependencies: { db: { address: "DB_ADDRESS" }, cache: { address: "CACHE_ADDR" } },
        env: { CACHE_HOST: "cache" },
        secrets: { DATABASE_URL: "database-url" },
      },
      api: { port: 9000, peers: ["web"], dependencies: { db: { address: "DB_ADDRESS" } }, env: { LOG: "info" } },
      mail: { kind: "worker" },
    });
    expect(Object.keys(Object(config["dependencies"]))).toEqual(["db", "cache"]);
    expect(accepted.services.map(({ name, port }) => [name, port])).toEqual([
      ["api", 9000],
      ["mail", undefined],
      ["web", 8000],
    ]);
    expect(guess.leftOut).toEqual([{ path: "svc/seed/Dockerfile", reason: expect.stringContaining("runs it once") }]);
    expect(text).not.toContain("hunter2");
  });

  test("comes nothing that cannot be read, and all else does", () => {
    const broken = { ...files, "compose.yaml": "services: [\n", "docker-compose.yml": "- a\n" };
    expect(guessedStack(broken).accepted.services.map(({ name }) => name)).toEqual(["api", "mail", "web"]);
  });

  test("come services of one image that differ by their environment or by what they run", () => {
    const { config, accepted } = guessedStack({
      "compose.yaml": `services:
  a: { build: ., environment: { ROLE: a, TOKEN: x }, ports: ["80:8080"] }
  b: { build: ., environment: { ROLE: b } }
  c: { build: ., command: 'run "c d" --port=$$PORT' }
  d: { build: ., entrypoint: [/app, "no"], command: [--beat], ports: [8080] }
`,
      Dockerfile: web,
    });
    expect(accepted.problems).toEqual([]);
    expect(config["services"]).toEqual({
      a: { dockerfile: "Dockerfile", env: { ROLE: "a" }, secrets: { TOKEN: "token" } },
      b: { dockerfile: "Dockerfile", kind: "worker", env: { ROLE: "b" } },
      c: { dockerfile: "Dockerfile", kind: "worker", args: ["run", "c d", "--port=$PORT"] },
      d: { dockerfile: "Dockerfile", command: ["/app", "no"], args: ["--beat"] },
    });
  });
});

test("unusual names and broken files are no obstacle", () => {
  const files = {
    "svc/a b/Dockerfile": web,
    "svc/[c]/Dockerfile": web,
    "svc/{d,e}/Dockerfile": web,
    "svc/f/Dockerfile": web.replaceAll("\n", "\r\n"),
    "svc/g/Dockerfile": web,
    "svc/new\nline/Dockerfile.test": web,
    "svc/#h/Dockerfile": web,
    "svc/(db)/Dockerfile": "FROM postgres\n",
    "compose.yaml":
      "services:\n  my_db: { image: postgres, ports: ['99999:0'] }\n  f: { build: svc/f, environment: { a.b: x, URL: 'postgres://my_db:5432', G: 'g:8080' } }\n  loop: &x { depends_on: *x }\n",
    "k8s/a.yaml": "kind: Deployment\ncontainers:\n  - *nothing\n",
  };
  expect(Object.keys(found(files))).toEqual(["a-b", "c", "d-e", "f", "g", "h"]);
  const { config, guess } = guessedStack(files);
  expect(config["services"]).toMatchObject({
    f: {
      peers: { g: "G" },
      dependencies: { "my-db": { address: "MY_DB_ADDRESS" } },
      env: { URL: "postgres://my-db:5432" },
    },
  });
  expect(guess.leftOut.map(({ path }) => path)).toEqual(["svc/(db)/Dockerfile", "svc/new\nline/Dockerfile.test"]);
});

test("several ports of an image are named, and Java has the memory that it needs to start", () => {
  const { config, accepted } = guessedStack({
    "svc/pay/Dockerfile": "FROM eclipse-temurin:21\nEXPOSE 8080 50051\n",
    "svc/pay/pom.xml": "",
    "svc/dns/Dockerfile": "FROM scratch\nEXPOSE 53/udp\n",
  });
  expect(accepted.problems).toEqual([]);
  expect(config["services"]).toEqual({
    dns: { ports: { dns: { port: 53, protocol: "UDP" } } },
    pay: {
      ports: { http: 8080, grpc: { port: 50_051, protocol: "gRPC" } },
      resources: { requests: { memory: "256Mi" }, limits: { memory: "512Mi" } },
    },
  });
});

test("for five services in Go, Node and Java, at most twelve lines are left to be written", () => {
  const { text, accepted } = guessedStack({
    "go.mod": "module shop\n\ngo 1.26\n",
    "svc/cart/Dockerfile": `FROM golang\nCOPY go.mod .\nCOPY svc/cart svc/cart\nEXPOSE 8080\n`,
    "svc/cart/main.go": "package main\n",
    "svc/ad/Dockerfile": `FROM golang\nCOPY go.mod .\nCOPY svc/ad svc/ad\nEXPOSE 8080\n`,
    "svc/ad/main.go": "package main\n",
    "svc/web/Dockerfile": `FROM node\nCOPY svc/web .\nEXPOSE 8080\n`,
    "svc/web/package.json": '{ "scripts": { "test": "node --test" } }',
    "svc/web/index.js": "fetch(process.env.CART_URL); connect(process.env.REDIS_ADDR)\n",
    "svc/mail/Dockerfile": "FROM node\nCOPY svc/mail .\n",
    "svc/mail/package.json": "{}",
    "svc/pay/Dockerfile": `FROM eclipse-temurin:21\nCOPY svc/pay/target/pay.jar .\nEXPOSE 8080\n`,
    "svc/pay/pom.xml": "<java.version>21</java.version>",
    "svc/pay/src/test/T.java": "",
  });
  expect(accepted.problems).toEqual([]);
  expect(accepted.services.map(({ name }) => name)).toEqual(["ad", "cart", "mail", "pay", "web"]);
  const [, ...lines] = text.split("\n");
  const left = lines.filter((line) => line.includes("→"));
  expect(left.map((line) => /^\s*#?\s*([\w:]+)/.exec(line)?.[1])).toEqual([
    "organization:",
    "username:",
    "organizationId:",
    "repositoryId:",
    "repository:",
    "delivery:dependencies:",
  ]);
  expect(text).toContain(
    'build: { prepare: { command: "cd svc/pay && mvn -B -q package -DskipTests", image: cimg/openjdk:21.0-node } }',
  );
  expect(text).toContain('test: { command: "cd svc/pay && mvn -B -q test", image: cimg/openjdk:21.0-node } # Java');
});

test("ports and addresses come from manifests of Kubernetes, too", () => {
  const { config } = guessedStack({
    "svc/a/Dockerfile": "FROM x\n",
    "svc/b/Dockerfile": web,
    "k8s/b.yaml":
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: b }\nspec: { template: { spec: { containers: [{ name: b, image: b, ports: [{ containerPort: 8080 }] }] } } }\n",
    "k8s/all.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: { name: a }
spec:
  template:
    spec:
      containers:
        - name: server
          image: a
          ports: [{ containerPort: 7000 }]
          env: [{ name: B_ADDR, value: "b:80" }, { name: CACHE, value: "cache:6379" }, { name: KEY, valueFrom: {} }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: cache }
spec: { template: { spec: { containers: [{ name: redis, image: "redis:8" }] } } }
`,
    "helm/templates/a.yaml": "kind: Deployment\nspec:\n  containers:\n  {{- range }}\n",
  });
  expect(config["services"]).toEqual({
    a: { port: 7000, peers: { b: "B_ADDR" }, dependencies: { cache: { address: "CACHE" } } },
  });
  expect(config["dependencies"]).toMatchObject({ cache: { image: "redis:8", port: 6379 } });
});

describe("peers", () => {
  const others = { "svc/cart_service/Dockerfile": web, "svc/mail/Dockerfile": web };
  const withEnvironment = (environment: string): Record<string, string> => ({
    ...others,
    "svc/web/Dockerfile": web,
    "compose.yaml": `services:\n  web: { build: svc/web, environment: { ${environment} } }\n  cart-service: { build: svc/cart_service, ports: ['8080', '9090'] }\n  mail: { build: svc/mail }\n`,
  });

  test.each<[what: string, environment: string, peers: unknown, env: unknown]>([
    ["by the usual variable", 'CART_URL: "http://cart-service:8080"', ["cart"], undefined],
    ["by host and port", "CART: 'cart-service:8080'", { cart: "CART" }, undefined],
    ["by a URL", "CART: 'http://cart-service:8080/'", { cart: { variable: "CART", form: "url" } }, undefined],
    ["by the host", "CART_HOST: cart-service", { cart: { variable: "CART_HOST", form: "host" } }, undefined],
    ["by two variables", "A: 'cart-service:8080', B_URL: 'http://cart-service'", { cart: ["A", "B_URL"] }, undefined],
    ["of two", "A: 'cart-service:8080', MAIL_URL: 'http://mail:8080'", { cart: "A", mail: "MAIL_URL" }, undefined],
    [
      "at a path, which a variable of its own keeps",
      "A: 'http://cart-service:8080/v1'",
      ["cart"],
      { A: "http://cart:8080/v1" },
    ],
    ["at another port, likewise", "A: 'cart-service:9090'", ["cart"], { A: "cart:9090" }],
    ["by TLS, likewise", "A: 'https://cart-service:8080'", ["cart"], { A: "https://cart:8080" }],
  ])("are found %s", (_what, environment, peers, env) => {
    const { config, accepted } = guessedStack(withEnvironment(environment));
    expect(accepted.problems).toEqual([]);
    const service = Object(config["services"]).web;
    expect([service.peers, service.env]).toEqual([peers, env]);
  });

  test("are found by what code reads, and nothing like it", () => {
    const { config, text, accepted } = guessedStack({
      ...others,
      "svc/web/Dockerfile": web,
      "svc/web/app.js":
        "get(process.env.CART_SERVICE_ADDR); get(process.env.MAIL_URL); get(process.env.WEB_URL); get(process.env.OTHER_URL)\n",
      "svc/mail/main.go": 'package main\nvar x = os.Getenv("CART_HOST")\n',
    });
    expect(accepted.problems).toEqual([]);
    expect(config["services"]).toEqual({
      web: { peers: { cart: "CART_SERVICE_ADDR", mail: "MAIL_URL" } },
      mail: { peers: { cart: { variable: "CART_HOST", form: "host" } } },
    });
    expect(text).toContain("# its code reads CART_SERVICE_ADDR; its code reads MAIL_URL");
  });
});

describe("a service keeps the name", () => {
  test.each<[what: string, file: string, code: string, names: string[]]>([
    ["that code calls it by", "svc/web/app.js", 'get("http://cart-service:8080/items")', ["cart-service", "web"]],
    [
      "that a configuration has",
      "config/web.yml",
      "cart:\n  url: http://cart-service/items\n",
      ["cart-service", "web"],
    ],
    ["as host and port, too", "svc/web/main.go", 'dial("cart-service:8080")', ["cart-service", "web"]],
    ["with a login before it", "svc/web/app.py", 'amqp = "amqp://u:p@cart-service:5672"', ["cart-service", "web"]],
    [
      "as what a variable has by default",
      "svc/web/app.js",
      'const host = process.env.CART_HOST || "cart-service"',
      ["cart-service", "web"],
    ],
    ["but not of a path", "svc/web/app.js", 'import "cart-service/api"', ["cart", "web"]],
    ["nor of a longer host", "svc/web/app.js", 'get("http://cart-service-v2:8080")', ["cart", "web"]],
    [
      "nor one that only Compose has",
      "compose.yaml",
      "services: { cart-service: { build: svc/cart-service } }\n",
      ["cart", "web"],
    ],
    ["nor one in documents", "docs/api.json", '"http://cart-service:8080"', ["cart", "web"]],
  ])("%s", (_what, file, code, names) => {
    const { accepted } = guessedStack({ "svc/cart-service/Dockerfile": web, "svc/web/Dockerfile": web, [file]: code });
    expect(accepted.problems).toEqual([]);
    expect(accepted.services.map(({ name }) => name)).toEqual(names);
  });
});

test("a dependency that only code speaks of is declared, with the variable that takes an address", () => {
  const { config, accepted } = guessedStack({
    "svc/a/Dockerfile": web,
    "svc/a/main.go": 'package main\nvar x = os.Getenv("REDIS_ADDR")\n',
    "svc/b/Dockerfile": web,
    "svc/b/app.js": "connect(process.env.POSTGRES_HOST)\n",
  });
  expect(accepted.problems).toEqual([]);
  expect(config["services"]).toEqual({
    a: { dependencies: { redis: { address: "REDIS_ADDR" } } },
    b: { dependencies: { postgres: { address: "POSTGRES_ADDRESS" } } },
  });
});

test("what is not known is said, and how the rest is known", () => {
  const { text } = guessedStack({ "svc/a/Dockerfile": "FROM x\nCOPY target/a.jar .\n", "svc/b/Dockerfile": web });
  expect(text).toContain('organizationId: "00000000-0000-0000-0000-000000000000" # → CircleCI: Organization Settings');
  expect(text).toContain('services: "svc/*" # finds a, b');
  expect(text).toContain("repository: Acme/Shop # the remote `origin`");
  expect(text).toContain("organization: acme # →");
  expect(text).toContain("kind: worker # no port is known");
  expect(text).toContain("# its Dockerfile copies target/a.jar, which Git does not have");
  expect(text).toContain("image: cimg/node:24.11 # no image is known for what the services are in");
});

test("a password in Compose becomes a secret of the stack, the one of the database where it is the same; no value is written", () => {
  const { config, text, guess, accepted } = guessedStack({
    "svc/a/Dockerfile": web,
    "svc/b/Dockerfile": web,
    "svc/c/Dockerfile": web,
    "compose.yaml": `services:
  a: { build: svc/a, depends_on: [db], environment: { DB_PASSWORD: hunter2, STRIPE_API_KEY: sk_1, TOKEN_TTL: "60", MAX_TOKEN: "9" } }
  b: { build: svc/b, environment: { DATABASE_URL: "postgres://u:hunter2@db:5432/b", STRIPE_API_KEY: sk_1 } }
  c: { build: svc/c, environment: { DATABASE_URL: "postgres://u:hunter2@db:5432/c", EMPTY_TOKEN: "" } }
  db: { image: postgres:17, environment: { POSTGRES_PASSWORD: hunter2 } }
`,
  });
  expect(accepted.problems).toEqual([]);
  expect(config["services"]).toMatchObject({
    a: { secrets: { DB_PASSWORD: "db-password", STRIPE_API_KEY: "stripe-api-key" } },
    b: { secrets: { DATABASE_URL: "b-database-url", STRIPE_API_KEY: "stripe-api-key" } },
    c: { secrets: { DATABASE_URL: "c-database-url" } },
  });
  expect(text).not.toMatch(/hunter2|sk_1/);
  expect(Object.fromEntries(guess.secretValues)).toEqual({
    "db-password": "hunter2",
    "stripe-api-key": "sk_1",
    "b-database-url": "postgres://u:hunter2@db:5432/b",
    "c-database-url": "postgres://u:hunter2@db:5432/c",
  });
});

test("a secret that Compose takes from whoever starts it is one of the stack, and what is empty on purpose is none", () => {
  const { config } = guessedStack({
    "svc/a/Dockerfile": web,
    "compose.yaml": `services:
  a:
    build: svc/a
    environment:
      SMTP_PASSWORD: \${SMTP_PASSWORD}
      API_KEY:
      EMPTY_TOKEN: ""
      SOME_TOKEN: \${SOME_TOKEN:-given}
      MODE: \${MODE}
`,
  });
  expect(config["services"]).toEqual({
    a: { secrets: { SOME_TOKEN: "some-token", SMTP_PASSWORD: "smtp-password", API_KEY: "api-key" } },
  });
});

test.each([
  ["postgres:17", 999],
  ["postgres:17-alpine", 70],
  ["bitnami/postgresql:17", 999],
])("the database %s runs as its own user", (image, user) => {
  const compose = `services:\n  a: { build: svc/a, depends_on: [db] }\n  db: { image: "${image}" }\n`;
  const { config } = guessedStack({ "svc/a/Dockerfile": web, "compose.yaml": compose });
  expect(config["dependencies"]).toMatchObject({ db: { user } });
});

test("a submodule is named, and a FROM without an image makes no service", () => {
  const { guess } = guessedStack({
    "svc/a/Dockerfile": web,
    "svc/b/Dockerfile": "FROM\nEXPOSE 80\n",
    ".gitmodules": '[submodule "x"]\n\tpath = svc/x\n\turl = ../x.git\n',
  });
  expect(guess.services.map(({ name }) => name)).toEqual(["a"]);
  expect(guess.leftOut).toEqual([
    { path: "svc/b/Dockerfile", reason: expect.stringContaining("has no FROM") },
    { path: "svc/x", reason: expect.stringContaining("is a submodule") },
  ]);
});

test("of several containers of one image, those that others have the address of are servers, and whom one only starts after is none", () => {
  const container = (environment: string, more = ""): string => `{ build: ., environment: { ${environment} }${more} }`;
  const { accepted, config } = guessedStack({
    Dockerfile: "FROM x\nEXPOSE 3333\n",
    "compose.yaml": `services:
  api: ${container("ROLE: api, CATALOG: 'http://catalog:3333'", ", ports: ['3333:3333'], depends_on: [mail]")}
  catalog: ${container("ROLE: catalog, MODE: x")}
  mail: ${container("ROLE: mail, MODE: y")}
`,
  });
  expect(accepted.problems).toEqual([]);
  expect(accepted.services.map(({ name, port }) => [name, port])).toEqual([
    ["api", 3333],
    ["catalog", 3333],
    ["mail", undefined],
  ]);
  expect(Object.keys(Object(Object(config["services"]).api.peers))).toEqual(["catalog"]);
});

test("where there are only remarks, the stack file is valid all the same", () => {
  const { text, accepted } = guessedStack({ "svc/a/Dockerfile": "FROM x\nCOPY target/a.jar .\nEXPOSE 1\n" });
  expect(accepted.problems).toEqual([]);
  expect(text).toContain("    # a: its Dockerfile copies target/a.jar");
});

test.each([
  ["Shop", "shop"],
  ["my.Shop_2", "my-shop-2"],
  ["2fa", "fa"],
  ["...", "app"],
  ["a".repeat(40), "a".repeat(32)],
])("the app of the repository %s is %s", (name, app) => expect(appName(name)).toBe(app));

test("values of several lines and defaults of defaults are taken whole, and a private key is a secret", () => {
  const { config } = guessedStack({
    "svc/a/Dockerfile": "FROM node\nCOPY . .\nEXPOSE 3000\n",
    "compose.yaml":
      "services:\n  a: { build: svc/a, env_file: a.env, environment: { LEVEL: '${LEVEL:-${DEFAULT_LEVEL:-info}}' } }\n",
    "a.env":
      "SIGNING='-----BEGIN EC PRIVATE KEY-----\nAAEC\n-----END EC PRIVATE KEY-----'\nGREETING=\"good day # all\"\n",
  });
  expect(Object(config["services"]).a).toMatchObject({
    env: { LEVEL: "info", GREETING: "good day # all" },
    secrets: { SIGNING: "signing" },
  });
});

test("Compose's extends and env_file are followed, also elsewhere and in a circle", () => {
  const { config } = guessedStack({
    "svc/a/Dockerfile": "FROM node AS dev\nFROM node AS prod\nCOPY . .\nEXPOSE 3000\n",
    "base.yml": "services:\n  common: { build: { context: svc/a, target: prod }, depends_on: [cache] }\n",
    "compose.yaml":
      "services:\n  a: { extends: { file: base.yml, service: common }, env_file: [a.env, { path: none.env, required: false }], ports: ['127.0.0.1:3000-3001:3000-3001'] }\n" +
      "  cache: { image: 'redis:7' }\n  q: { image: 'rabbitmq:4' }\n  circle: { extends: circle }\n",
    "a.env": "BROKER=amqp://q:5672\n",
  });
  expect(Object.keys(Object(config["dependencies"])).toSorted()).toEqual(["cache", "q"]);
  expect(Object(config["services"]).a).toMatchObject({ target: "prod", env: { BROKER: "amqp://q:5672" } });
});
