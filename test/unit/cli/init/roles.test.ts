import { describe, expect, test } from "vitest";
import { guessedStack } from "../../../support/guessed-stack.ts";

const web = "FROM scratch\nEXPOSE 8080\n";

function servicesOf(files: Readonly<Record<string, string>>): unknown {
  const { config, accepted } = guessedStack(files);
  expect(accepted.problems).toEqual([]);
  return config["services"];
}

const compose = (services: string, dockerfile = web): Record<string, string> => ({
  "svc/a/Dockerfile": dockerfile,
  "compose.yaml": `services:\n${services}`,
});

describe("a container that comes to an end", () => {
  test.each<[what: string, files: Record<string, string>, services: unknown]>([
    [
      "and that a service of the same image waits for, is its migration",
      compose(`
  a: { build: svc/a, depends_on: { prepare: { condition: service_completed_successfully } } }
  prepare: { build: svc/a, command: [/app, up] }
`),
      { a: { migrations: { command: ["/app", "up"] } } },
    ],
    [
      "and is called so, is the migration of the server rather than of the worker",
      compose(`
  queue: { build: svc/a, command: queue }
  a: { build: svc/a, ports: [8080] }
  db-migrate: { build: svc/a, command: migrate, restart: "no" }
`),
      {
        a: { dockerfile: "svc/a/Dockerfile", migrations: { command: ["migrate"] } },
        queue: { dockerfile: "svc/a/Dockerfile", kind: "worker", args: ["queue"] },
      },
    ],
    [
      "runs what its image would",
      compose(
        "  a: { build: svc/a }\n  migrate: { build: svc/a, command: [up, --all], restart: 'no' }\n",
        'FROM x AS build\nENTRYPOINT ["no"]\nFROM x\nENTRYPOINT ["/app", "-v"]\nCMD ["serve"]\nEXPOSE 8080\n',
      ),
      { a: { migrations: { command: ["/app", "-v", "up", "--all"] } } },
    ],
    [
      "and has a target of its own, is a job, since its image is another",
      compose(
        "  a: { build: svc/a }\n  migrate: { build: { context: svc/a, target: tools }, restart: 'no' }\n",
        "FROM x AS tools\nFROM x AS a\nEXPOSE 8080\n",
      ),
      {
        a: { dockerfile: "svc/a/Dockerfile" },
        migrate: { dockerfile: "svc/a/Dockerfile", target: "tools", kind: "job" },
      },
    ],
    [
      "and has an image of its own, is a job",
      {
        ...compose(
          "  a: { build: svc/a, depends_on: { b: { condition: service_completed_successfully } } }\n  b: { build: svc/b, ports: [1] }\n",
        ),
        "svc/b/Dockerfile": web,
      },
      { b: { kind: "job" } },
    ],
    [
      "but has ports, is a server: Compose restarts nothing by itself",
      compose("  a: { build: svc/a, restart: 'no', ports: [8080] }\n"),
      undefined,
    ],
  ])("%s", (_what, files, services) => expect(servicesOf(files)).toEqual(services));

  test.each<[what: string, service: string, reason: RegExp]>([
    ["sample data", 'seed: { build: svc/a, command: seed, restart: "no" }', /runs it once to fill in sample data/],
    ["tests", 'e2e: { build: svc/a, command: test, restart: "no" }', /runs it once for development/],
    ["what is asked for", "debug-shell: { build: svc/a, command: sh, profiles: [debug] }", /does not start it unless/],
    [
      "a second migration",
      'z-migrate: { build: svc/a, command: z, restart: "no" }',
      /before a, whose `migrations` are one command/,
    ],
  ])("is left out with the reason, as %s", (_what, service, reason) => {
    const { guess, accepted } = guessedStack(
      compose(`  a: { build: svc/a }\n  migrate: { build: svc/a, command: m, restart: "no" }\n  ${service}\n`),
    );
    expect(accepted.problems).toEqual([]);
    expect(accepted.services.map(({ name }) => name)).toEqual(["a"]);
    expect(guess.leftOut).toEqual([
      { path: `svc/a/Dockerfile (${service.split(":")[0]})`, reason: expect.stringMatching(reason) },
    ]);
  });
});

test("where CI waits for migrations, it has a kubeconfig; variables that only they have are named", () => {
  const { text, config, accepted } = guessedStack(
    compose(`
  a: { build: svc/a, environment: { MODE: x } }
  migrate: { build: svc/a, command: m, restart: "no", environment: { MODE: x, DDL: "on" } }
`),
  );
  expect(accepted.problems).toEqual([]);
  expect(Object(config["ci"]).environment).toMatchObject({ DELIVERY_KUBECONFIG: "kubeconfig" });
  expect(text).toContain("# → its migrations have DDL in compose.yaml, which it has not");
  expect(guessedStack({ "svc/a/Dockerfile": web }).text).not.toContain("KUBECONFIG");
});

describe("of Kubernetes", () => {
  const pod = (containers: string): string => `{ template: { spec: ${containers} } }`;
  const object = (kind: string, name: string, spec: string): string =>
    `apiVersion: x/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
  const container = (rest: string): string => `{ containers: [{ name: c, image: "acme/shop-a:1", ${rest} }] }`;
  const deployment = object("Deployment", "a", pod(container("ports: [{ containerPort: 8080 }]")));

  test.each<[what: string, manifest: string, services: unknown]>([
    [
      "an init container of the same image is a migration",
      object(
        "Deployment",
        "a",
        pod(
          '{ initContainers: [{ name: wait, image: busybox, command: [wait] }, { name: m, image: "acme/shop-a:1", command: [/app], args: [migrate] }], containers: [{ name: c, image: "acme/shop-a:1" }] }',
        ),
      ),
      { a: { migrations: { command: ["/app", "migrate"] } } },
    ],
    [
      "a Job that migrates is one, too",
      `${deployment}---\n${object("Job", "a-migrations", pod(container("command: [/app, up]")))}`,
      { a: { migrations: { command: ["/app", "up"] } } },
    ],
    [
      "another Job is a job",
      `${deployment}---\n${object("Job", "import", pod(container("args: [import]")))}`,
      {
        a: { dockerfile: "svc/a/Dockerfile" },
        import: { dockerfile: "svc/a/Dockerfile", args: ["import"], kind: "job" },
      },
    ],
    [
      "a CronJob is a cron, with its times",
      `${deployment}---\n${object(
        "CronJob",
        "report",
        `{ schedule: "0 3 * * *", timeZone: Europe/Berlin, concurrencyPolicy: Forbid, jobTemplate: { spec: ${pod(container("args: [report]"))} } }`,
      )}`,
      {
        a: { dockerfile: "svc/a/Dockerfile" },
        report: {
          dockerfile: "svc/a/Dockerfile",
          args: ["report"],
          kind: "cron",
          schedule: "0 3 * * *",
          timeZone: "Europe/Berlin",
          concurrency: "Forbid",
        },
      },
    ],
    [
      "several Deployments of one image that run something else are services",
      `${deployment}---\n${object("Deployment", "mailer", pod(container("command: [/app, mail]")))}`,
      {
        a: { dockerfile: "svc/a/Dockerfile" },
        mailer: { dockerfile: "svc/a/Dockerfile", kind: "worker", command: ["/app", "mail"] },
      },
    ],
  ])("%s", (_what, manifest, services) =>
    expect(servicesOf({ "svc/a/Dockerfile": web, "k8s/a.yaml": manifest })).toEqual(services),
  );

  test("a CronJob that is suspended is left out", () => {
    const suspended = object(
      "CronJob",
      "old",
      `{ suspend: true, schedule: "0 3 * * *", jobTemplate: { spec: ${pod(container("args: [x]"))} } }`,
    );
    const { guess } = guessedStack({ "svc/a/Dockerfile": web, "k8s/a.yaml": `${deployment}---\n${suspended}` });
    expect(guess.leftOut).toEqual([
      { path: "svc/a/Dockerfile (old)", reason: "k8s/a.yaml does not start it unless asked" },
    ]);
  });
});
