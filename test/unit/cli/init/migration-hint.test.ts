import { expect, test } from "vitest";
import { guessedStack } from "../../../support/guessed-stack.ts";

const remarksOf = (files: Readonly<Record<string, string>>): readonly string[] => {
  const { guess, accepted } = guessedStack({ "svc/a/Dockerfile": "FROM x\nEXPOSE 80\n", ...files });
  expect(accepted.problems).toEqual([]);
  return guess.services.flatMap(({ remarks }) => remarks);
};

test.each([
  [
    "svc/a/package.json",
    '{ "scripts": { "build": "x", "db:migrate": "y" } }',
    "the script db:migrate",
    '[npm, run, "db:migrate"]',
  ],
  ["svc/a/prisma/migrations/1/x.sql", "", "prisma/migrations", "[npx, prisma, migrate, deploy]"],
  ["svc/a/manage.py", "", "manage.py", "[python, manage.py, migrate]"],
])("what may migrate by %s is said", (file, text, what, command) => {
  const [remark = ""] = remarksOf({ [file]: text });
  expect(remark.replaceAll('"', "")).toBe(
    `it has ${what}: \`migrations: { command: ${command.replaceAll('"', "")} }\`, if its image has that`,
  );
});

test.each<[what: string, files: Record<string, string>]>([
  [
    "where Compose says it",
    {
      "svc/a/manage.py": "",
      "compose.yaml":
        "services:\n  a: { build: svc/a }\n  queue: { build: svc/a, command: [q] }\n  migrate: { build: svc/a, command: [m], restart: 'no' }\n",
    },
  ],
  ["of a script that makes one", { "svc/a/package.json": '{ "scripts": { "migrate:create": "x" } }' }],
  ["of what is no package", { "svc/a/package.json": "{" }],
])("nothing is said %s", (_what, files) => expect(remarksOf(files)).toEqual([]));
