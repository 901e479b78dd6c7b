import { expect, test } from "vitest";
import { dockerfileSources } from "../../../../cli/affected/dockerfile.ts";
import type { BuildChoice } from "../../../../components/dockerfile/dockerfile.ts";
import { expectAffected } from "../../../support/affected-table.ts";

const several = `ARG BASE=deps
FROM node AS deps
COPY package.json .
FROM deps AS web
COPY web .
FROM golang
COPY go.mod /go.mod
FROM golang AS api
COPY --from=2 /go.mod .
RUN --mount=type=bind,from=tools,target=/t make
COPY api .
FROM $BASE AS late
COPY late .
`;

test.each<[what: string, dockerfile: string, choice: BuildChoice, copied: string[]]>([
  ["of all stages without a target", several, {}, ["api", "go.mod", "late", "package.json", "web"]],
  ["of a stage and what it begins with", several, { target: "web" }, ["package.json", "web"]],
  ["whatever its capitals", several, { target: "WEB" }, ["package.json", "web"]],
  ["of a stage and what it copies from by number", several, { target: "api" }, ["api", "go.mod"]],
  ["of a stage by its number", several, { target: "2" }, ["go.mod"]],
  [
    "of all stages where a name is not known",
    several,
    { target: "late" },
    ["api", "go.mod", "late", "package.json", "web"],
  ],
  [
    "of the stage that an argument names",
    several,
    { target: "late", buildArgs: { BASE: "web" } },
    ["late", "package.json", "web"],
  ],
  [
    "of all stages where there is no such stage",
    several,
    { target: "x" },
    ["api", "go.mod", "late", "package.json", "web"],
  ],
  [
    "that an argument names",
    "ARG S\nFROM a\nARG S=x\nCOPY svc/${S}/src svc/$S.json ./\n",
    { buildArgs: { S: "link" } },
    ["svc/link.json", "svc/link/src"],
  ],
  [
    "that an argument with a default names",
    "FROM a\nARG S\nCOPY svc/${S:-x} .\n",
    { buildArgs: { S: "link" } },
    ["svc/link"],
  ],
  [
    "that ENV names, before the argument",
    "FROM a\nARG S\nENV S=y\nCOPY svc/$S .\n",
    { buildArgs: { S: "link" } },
    ["svc/y"],
  ],
  ["of any name where it is not declared", "FROM a\nCOPY svc/$S .\n", { buildArgs: { S: "link" } }, ["svc"]],
  ["of any name where it is not given", "FROM a\nARG S\nCOPY svc/$S .\n", {}, ["svc"]],
])("a build takes the files %s", (_what, dockerfile, choice, copied) => {
  expect([...new Set(dockerfileSources(dockerfile, choice).copied)].toSorted()).toEqual(copied);
});

test("images of one Dockerfile change with what each of them is made of", () => {
  const dockerfile = "FROM a AS base\nCOPY shared .\nFROM base AS web\nCOPY web .\nFROM base AS api\nCOPY api .\n";
  expectAffected(
    {
      "docker/Dockerfile": dockerfile,
      "web/x": "",
      "api/x": "",
      "shared/x": "",
      "svc/own/Dockerfile": "FROM a\nCOPY api .\n",
    },
    {
      "web/x": "web",
      "api/x": "api own",
      "shared/x": "api web",
      "docker/Dockerfile": "api web",
      "svc/own/Dockerfile": "own",
    },
    {
      settings: {
        web: { dockerfile: "docker/Dockerfile", context: ".", target: "web" },
        api: { dockerfile: "docker/Dockerfile", context: ".", target: "api" },
      },
    },
  );
});

test("images of one directory change with their own Dockerfiles and ignore files, and with the rest of the directory", () => {
  expectAffected(
    {
      "svc/shop/Dockerfile": "FROM a\nCOPY . .\n",
      "svc/shop/Dockerfile.worker": "FROM a\nCOPY . .\n",
      "svc/shop/Dockerfile.worker.dockerignore": "web\n",
      "svc/shop/web/x": "",
      "svc/shop/y": "",
    },
    {
      "svc/shop/Dockerfile": "shop",
      "svc/shop/Dockerfile.worker": "worker",
      "svc/shop/Dockerfile.worker.dockerignore": "worker",
      "svc/shop/web/x": "shop (worker)",
      "svc/shop/y": "shop worker",
    },
    { context: "service", settings: { worker: { dockerfile: "svc/shop/Dockerfile.worker" } } },
  );
});

test("a build sees its own context", () => {
  expectAffected(
    { "svc/a/src/Dockerfile": "FROM a\nCOPY . .\n", "svc/a/src/x": "", "svc/a/y": "", z: "" },
    { "svc/a/src/Dockerfile": "a", "svc/a/src/x": "a", "svc/a/y": "a", z: "" },
    { settings: { a: { dockerfile: "svc/a/src/Dockerfile", context: "svc/a" } } },
  );
});
