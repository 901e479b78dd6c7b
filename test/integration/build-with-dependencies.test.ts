import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { logPath } from "../../sandbox/machine/process.ts";
import { appProgram, deliveryBuild, type BuildEndpoints } from "../support/delivery-build.ts";
import { enterSandbox } from "../support/sandbox-harness.ts";

/** A monorepo of Go as others have it: its Dockerfile downloads modules before it copies the sources. */
const goShop = {
  "go.mod": `module example.com/goshop

go 1.26

require github.com/kballard/go-shellquote v0.0.0-20180428030007-95032a82bc51
`,
  "go.sum": `github.com/kballard/go-shellquote v0.0.0-20180428030007-95032a82bc51 h1:Z9n2FFNUXsshfwJMBgNA0RU6/i7WVaAegv3PtuIHPMs=
github.com/kballard/go-shellquote v0.0.0-20180428030007-95032a82bc51/go.mod h1:CzGEWj7cYgsdH8dAjBGEr58BoE7ScuLd+fwFZ44+/x8=
`,
  "svc/cart/main.go": `package main

import "github.com/kballard/go-shellquote"

func main() { println(shellquote.Join("a cart")) }
`,
  "svc/cart/Dockerfile": `FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 go build -o /cart ./svc/cart

FROM scratch
COPY --from=build /cart /cart
EXPOSE 8080
ENTRYPOINT ["/cart"]
`,
};

/** A monorepo of Node.js as others have it. Its lock file names no registry, as npm's omit-lockfile-registry-resolved has it. */
const nodeShop = {
  "package.json": JSON.stringify({
    name: "node-shop",
    version: "1.0.0",
    scripts: { build: "mkdir dist && node svc/cart/build.js > dist/main.js" },
    dependencies: { ms: "2.1.3" },
  }),
  "package-lock.json": JSON.stringify({
    name: "node-shop",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { name: "node-shop", version: "1.0.0", dependencies: { ms: "2.1.3" } },
      "node_modules/ms": {
        version: "2.1.3",
        integrity: "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA==",
      },
    },
  }),
  "svc/cart/build.js": `console.log("console.log(" + require("ms")("2 days") + ")");\n`,
  "svc/cart/Dockerfile": `FROM node:24-alpine AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-alpine
WORKDIR /app
ENV NODE_ENV=production
COPY package*.json ./
RUN npm ci --omit=dev
COPY --from=build /app/dist ./dist
USER node
EXPOSE 8080
CMD ["node", "dist/main.js"]
`,
};

let stateDir: string;
let location: BuildEndpoints;
beforeAll(async () => {
  const harness = await enterSandbox();
  const { sandbox, credentials } = harness;
  stateDir = harness.stateDir;
  location = {
    buildKit: await sandbox.docker.buildKit(),
    registryHost: sandbox.endpoints.registryHost,
    password: credentials.registryPassword,
  };
});

test.each([
  {
    name: "goshop",
    files: goShop,
    manifest: "go.mod",
    change: (content: string): string => `${content}\n// ${randomUUID()}\n`,
    downloads: /^GET \S+\/kballard\/go-shellquote\/@v\/\S+\.zip$/,
  },
  {
    name: "nodeshop",
    files: nodeShop,
    manifest: "package.json",
    change: (content: string): string => content.replace("{", `{ "description": "${randomUUID()}",`),
    downloads: /^GET \/ms\/-\/ms-2\.1\.3\.tgz$/,
  },
])("$name is built with its dependencies, which are downloaded once", async (shop) => {
  using directory = temporaryDirectory("delivery-build-test-");
  appProgram(directory.path, location.registryHost, shop.name, shop.files);
  const manifest = join(directory.path, shop.name, shop.manifest);
  const original = readFileSync(manifest, "utf8");
  const build = async (number: string): Promise<string[]> => {
    // Never seen before, the file has the step run that asks for the dependencies.
    writeFileSync(manifest, shop.change(original));
    const before = mirrorLog().length;
    const { status, errors } = await deliveryBuild(directory.path, location, [
      "--service",
      "cart",
      "--commit",
      number.repeat(40),
      "--build-number",
      number,
    ]);
    expect({ status, errors }).toMatchObject({ status: 0 });
    return mirrorLog().slice(before);
  };
  await build("1");
  const second = await build("2");
  // It asks for the same files again, and the mirror asks nobody for them.
  expect(second.filter((line) => shop.downloads.test(line))).not.toEqual([]);
  expect(second.filter((line) => /^(go|npm): /.test(line))).toEqual([]);
});

function mirrorLog(): string[] {
  const path = logPath(stateDir, "mirror");
  return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
}
