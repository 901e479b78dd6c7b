import { expect, test } from "vitest";
import { guessedStack } from "../../../support/guessed-stack.ts";

const dependenciesOf = (services: string): unknown => {
  const { config, accepted, text } = guessedStack({
    "svc/a/Dockerfile": "FROM x\nEXPOSE 80\n",
    "compose.yaml": `services:\n  a: { build: svc/a, depends_on: [db] }\n  db: ${services}\n`,
  });
  expect(accepted.problems).toEqual([]);
  expect(text).not.toMatch(/hunter|swordfish/);
  return Object(config["dependencies"]).db;
};

test.each<[what: string, service: string, expected: unknown]>([
  [
    "its first database and its user",
    "{ image: 'postgres:17', environment: { POSTGRES_USER: shop, POSTGRES_DB: shop, POSTGRES_PASSWORD: hunter2, PGDATA: /x } }",
    {
      password: "db-password",
      secrets: { POSTGRES_PASSWORD: "db-password" },
      env: { POSTGRES_USER: "shop", POSTGRES_DB: "shop", PGDATA: "/var/lib/postgresql/data/pgdata" },
    },
  ],
  [
    "a secret for each of its passwords",
    "{ image: 'mysql:8', environment: { MYSQL_USER: u, MYSQL_PASSWORD: swordfish, MYSQL_ROOT_PASSWORD: hunter2 } }",
    {
      password: "db-password",
      secrets: { MYSQL_ROOT_PASSWORD: "db-password", MYSQL_PASSWORD: "db-mysql-password" },
      env: { MYSQL_USER: "u" },
    },
  ],
  [
    "one secret where they are the same",
    "{ image: 'mysql:8', environment: { MYSQL_PASSWORD: hunter2, MYSQL_ROOT_PASSWORD: hunter2 } }",
    { secrets: { MYSQL_ROOT_PASSWORD: "db-password", MYSQL_PASSWORD: "db-password" } },
  ],
  [
    "no file of a secret",
    "{ image: 'rabbitmq:4', environment: { RABBITMQ_DEFAULT_USER: u, RABBITMQ_DEFAULT_PASS: hunter2, X_FILE: /run/secrets/x } }",
    { secrets: { RABBITMQ_DEFAULT_PASS: "db-rabbitmq-default-pass" }, env: { RABBITMQ_DEFAULT_USER: "u" } },
  ],
])("a dependency has %s", (_what, service, expected) =>
  expect(dependenciesOf(service)).toMatchObject(Object(expected)),
);

test("what a dependency cannot have here is said", () => {
  const { text, accepted } = guessedStack({
    "svc/a/Dockerfile": "FROM x\nEXPOSE 80\n",
    "compose.yaml":
      "services:\n  a: { build: svc/a, depends_on: [db] }\n  db: { image: 'postgres:17', command: -c max_connections=200, volumes: ['data:/var/lib/postgresql/data', './db/init.sql:/docker-entrypoint-initdb.d/init.sql'] }\n",
  });
  expect(accepted.problems).toEqual([]);
  expect(text).toContain("# → compose.yaml runs it with -c max_connections=200, for which there is no setting");
  expect(text).toContain("# → compose.yaml mounts /docker-entrypoint-initdb.d/init.sql, for which there is no setting");
});
