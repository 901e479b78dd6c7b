import { expect, test } from "vitest";
import { baseServices } from "../../../../cli/affected/base-images.ts";
import { buildOrder, imageBuilds } from "../../../../cli/build/build-images.ts";
import { buildxArguments } from "../../../../cli/build/builders.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const shop = (dockerfile: string): SampleMonorepo =>
  new SampleMonorepo({
    "svc/base/Dockerfile": "FROM alpine\n",
    "svc/api/Dockerfile": dockerfile,
    "svc/other/Dockerfile": "FROM acme/shopping-base\nFROM other/shop-base\n",
  });

test.each<[dockerfile: string, image: string | undefined]>([
  ["FROM acme/shop-base", "acme/shop-base"],
  ["FROM docker.io/acme/shop-base:1.2 AS x", "docker.io/acme/shop-base:1.2"],
  ["FROM --platform=linux/amd64 index.docker.io/acme/shop-base@sha256:0", "index.docker.io/acme/shop-base@sha256:0"],
  ["ARG BASE=acme/shop-base\nARG TAG=1\nFROM ${BASE}:$TAG", "acme/shop-base:1"],
  ["FROM ${BASE:-acme/shop-base}", "acme/shop-base"],
  ["ARG OWNER=acme\nARG BASE=${OWNER}/shop-base:1\nFROM ${BASE}", "acme/shop-base:1"],
  ["ARG HOST=\"docker.io\" OWNER='acme'\nFROM $HOST/${OWNER}/shop-base", "docker.io/acme/shop-base"],
  ["ARG CACHE=\nFROM ${CACHE}acme/shop-base", "acme/shop-base"],
  ["ARG CACHE\nFROM ${CACHE:+$CACHE/}acme/shop-base", "acme/shop-base"],
  ["ARG OWNER\nARG BASE=${OWNER}/shop-base\nFROM ${BASE}", undefined],
  ["FROM alpine\nCOPY --from=acme/shop-base:2 /x /x", "acme/shop-base:2"],
  ["FROM alpine\nRUN --mount=from=acme/shop-base,target=/x true", "acme/shop-base"],
  ["FROM alpine AS acme/shop-base\nFROM acme/shop-base", undefined],
  ["FROM ghcr.io/acme/shop-base", undefined],
  ["FROM acme/shop-base-debug", undefined],
])("the service whose image %j begins with", (dockerfile, image) => {
  using sample = shop(dockerfile);
  expect(baseServices(sample.monorepo()).get("api")).toEqual(image === undefined ? [] : [{ service: "base", image }]);
  expect(baseServices(sample.monorepo()).get("other")).toEqual([]);
});

test("an image that is made from itself is refused", () => {
  using sample = shop("FROM acme/shop-base");
  sample.write({ "svc/base/Dockerfile": "FROM acme/shop-api" });
  expect(() => baseServices(sample.monorepo())).toThrow(
    "the image of api is made from itself, by way of the Dockerfiles of base, api; let one of them begin with another image",
  );
});

test("an image is built after those that it is made from, and from what was built", () => {
  using sample = shop("FROM docker.io/acme/shop-base:latest");
  sample.write({ "svc/top/Dockerfile": "FROM acme/shop-api\nFROM acme/shop-base\n" });
  const monorepo = sample.monorepo();
  expect(buildOrder(monorepo, monorepo.services).map((group) => group.map(({ name }) => name))).toEqual([
    ["base", "other"],
    ["api"],
    ["top"],
  ]);
  const digest = `sha256:${"1".repeat(64)}`;
  const builds = imageBuilds(monorepo, monorepo.services, { tags: ["1"], push: true }, { base: digest });
  const contexts = builds.map((build) =>
    buildxArguments(build, "m", "registry").filter((argument) => argument.startsWith("--build-context")),
  );
  const context = `--build-context=acme/shop-base=docker-image://docker.io/acme/shop-base@${digest}`;
  expect(contexts).toEqual([[context], [], [], [context]]);
});
