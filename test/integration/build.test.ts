import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { registryClient, type Registry } from "../../cli/registry/client.ts";
import { sandboxSettings } from "../../sandbox/machine/endpoints.ts";
import { appProgram, deliveryBuild, exampleProgram, type BuildEndpoints } from "../support/delivery-build.ts";
import { enterSandbox } from "../support/sandbox-harness.ts";

const commit = "89abcdef0123456789abcdef0123456789abcdef";
const outputSchema = z.object({
  images: z.tuple([z.object({ repository: z.string(), digest: z.string().nullable(), tags: z.array(z.string()) })]),
});

let directory: string;
let location: BuildEndpoints;
let registry: Registry;
beforeAll(async () => {
  const { sandbox, credentials } = await enterSandbox();
  const { registryHost } = sandbox.endpoints;
  location = { buildKit: await sandbox.docker.buildKit(), registryHost, password: credentials.registryPassword };
  registry = registryClient({
    login: () =>
      Promise.resolve({ username: sandboxSettings().images.username, password: credentials.registryPassword }),
  });
  directory = mkdtempSync(join(tmpdir(), "delivery-build-test-"));
  exampleProgram(directory, registryHost);
});
afterAll(() => rmSync(directory, { recursive: true }));

const link = ["--service", "link", "--commit", commit];

test("without a push nothing reaches the registry, and no login is needed", async () => {
  const { status, output } = await deliveryBuild(directory, { ...location, password: "" }, [
    ...link,
    "--no-push",
    "--build-number",
    "1",
    "--json",
  ]);
  expect(status).toBe(0);
  const [{ repository, digest }] = outputSchema.parse(JSON.parse(output)).images;
  expect(digest).toBeNull();
  expect(await registry.tags(repository)).not.toContain("0.1.1");
  expect(await registry.tags(repository)).not.toContain(commit);
});

test("the image is in the registry with the digest that is reported, under both tags, and its layers beside it", async () => {
  const file = join(directory, "digests.json");
  const args = [...link, "--build-number", "2", "--output", file, "--json"];
  const { status, output, errors } = await deliveryBuild(directory, location, args);
  expect(status).toBe(0);
  const [{ repository, digest, tags }] = outputSchema.parse(JSON.parse(output)).images;
  expect(tags).toEqual(["0.1.2", commit]);
  expect(await Promise.all(tags.map((tag) => registry.digest(repository, tag)))).toEqual([digest, digest]);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ link: digest });
  expect(await registry.tags(repository)).toContain("buildcache");
  expect(errors).not.toContain(location.password);
});

test("the same files are the same digest", async () => {
  const built = await Promise.all(
    ["3", "4"].map((number) => deliveryBuild(directory, location, [...link, "--build-number", number, "--json"])),
  );
  const digests = built.map(({ output }) => outputSchema.parse(JSON.parse(output)).images[0].digest);
  expect(new Set(digests).size).toBe(1);
});

test("a registry that is down is tried four times; then it is named, and no digest is written", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "delivery-build-test-"));
  try {
    // Nothing listens at port 1.
    exampleProgram(elsewhere, "localhost:1");
    const file = join(elsewhere, "digests.json");
    const { status, output, errors } = await deliveryBuild(elsewhere, location, [...link, "--output", file]);
    expect({ status, output, written: existsSync(file) }).toEqual({ status: 1, output: "", written: false });
    expect(errors.match(/\| attempt \d of 4 failed/g)).toHaveLength(3);
    expect(errors).toMatch(
      /error: localhost:1\/delinkcious\/delinkcious-link is not pushed: the registry localhost:1 cannot be reached or stumbles, tried 4 times/,
    );
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

test("a wrong password is not tried again", async () => {
  const { status, errors } = await deliveryBuild(directory, { ...location, password: "wrong" }, [...link]);
  expect(status).toBe(1);
  expect(errors).not.toContain("attempt 1");
  expect(errors).toMatch(/is not pushed: the registry \S+ refuses it .*401 Unauthorized.*; check DOCKERHUB_USERNAME/);
});

test("images of one Dockerfile are built of the stage, the context and the arguments that their services say", async () => {
  using shop = temporaryDirectory("delivery-build-stages-");
  // A stage that is not asked for fails, and so does a build with other arguments or another context.
  appProgram(shop.path, location.registryHost, "stages", {
    "docker/all.Dockerfile": `FROM busybox AS web
ARG GREETING=none
COPY page.txt /
RUN test "$GREETING" = 'hello, "you" =x' && grep web /page.txt
EXPOSE 8080
FROM busybox AS mail
ARG KIND
COPY $KIND/letter.txt /
RUN test "$KIND" = letters
FROM busybox
RUN false
`,
    "apps/web/page.txt": "web\n",
    "letters/letter.txt": "mail\n",
    "svc/web/service.yaml": `dockerfile: docker/all.Dockerfile
context: apps/web
target: web
buildArgs: { GREETING: 'hello, "you" =x' }
`,
    "svc/post/service.yaml":
      "name: mail\ndockerfile: docker/all.Dockerfile\ncontext: .\ntarget: MAIL\nbuildArgs: { KIND: letters }\n",
  });
  const { status, output, errors } = await deliveryBuild(shop.path, { ...location, password: "" }, [
    "--service=web",
    "--service=mail",
    `--commit=${commit}`,
    "--no-push",
    "--json",
  ]);
  expect(errors).not.toContain("error: ");
  expect(status).toBe(0);
  expect(JSON.parse(output).images).toMatchObject([{ service: "mail" }, { service: "web" }]);
});
