import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { affectedServices } from "../../../../cli/affected/affected-services.ts";
import { uncommittedSources } from "../../../../cli/affected/uncommitted-sources.ts";
import type { ServiceSettings } from "../../../../components/service/service.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";
import { SourceCheckout } from "../../../support/source-checkout.ts";

interface Given {
  readonly dockerfile: string;
  readonly settings?: ServiceSettings;
  readonly context?: "service" | "app";
  /** More of what is committed. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A checkout with one service; `target` and `dist` are there, and ignored by Git. */
function checkoutWith({ dockerfile, settings = {}, context = "app", files = {} }: Given) {
  const checkout = new SourceCheckout();
  checkout.commit({
    ".gitignore": "target/\ndist/*\n!dist/.gitkeep\n*.war\n",
    "common/C.java": "1",
    "libs/used.jar": "1",
    "svc/a/Dockerfile": dockerfile,
    "svc/a/Main.java": "1",
    ...files,
  });
  for (const file of ["target/a.jar", "svc/a/target/a.jar", "new.txt"]) {
    mkdirSync(dirname(join(checkout.root, file)), { recursive: true });
    writeFileSync(join(checkout.root, file), "");
  }
  using sample = new SampleMonorepo({});
  const directory = join(checkout.root, "svc/a");
  const service = {
    ...settings,
    dockerfile: join(directory, "Dockerfile"),
    name: "a",
    directory,
    port: 7070,
    context: context === "app" ? checkout.root : directory,
  };
  return { checkout, monorepo: { ...sample.monorepo(context), root: checkout.root, services: [service] } };
}

const missingIn = async (given: Given): Promise<readonly string[]> => {
  const { checkout, monorepo } = checkoutWith(given);
  using _ = checkout;
  return (await uncommittedSources(monorepo)).get("a") ?? [];
};

describe("what no commit has", () => {
  test.each<[what: string, given: Given, missing: string]>([
    ["a file", { dockerfile: "FROM x\nCOPY target/a.jar /\n" }, "target/a.jar"],
    [
      "a file of its own directory",
      { dockerfile: "FROM x\nCOPY target/a.jar /\n", context: "service" },
      "svc/a/target/a.jar",
    ],
    ["a directory", { dockerfile: "FROM x\nCOPY svc/a/target/ /\n" }, "svc/a/target"],
    ["one of several", { dockerfile: "FROM x AS y\nCOPY common target /\n" }, "target"],
    ["a file in JSON", { dockerfile: 'FROM x\nCOPY ["target/a.jar", "/app dir/"]\n' }, "target/a.jar"],
    ["a file in quotes", { dockerfile: 'FROM x\nCOPY "target/my app.jar" /\n' }, "target/my app.jar"],
    ["what ADD takes", { dockerfile: "FROM x\nADD --chown=1:1 target/a.jar /\n" }, "target/a.jar"],
    [
      "what is mounted",
      { dockerfile: "FROM x\nRUN --mount=type=bind,source=target/a.jar,target=/a.jar true\n" },
      "target/a.jar",
    ],
    ["what a glob is to mean", { dockerfile: "FROM x\nCOPY target/*.jar /\n" }, "target/*.jar"],
    ["a glob in a directory that no commit has", { dockerfile: "FROM x\nCOPY gen/*.go /\n" }, "gen/*.go"],
    ["a glob by its ending", { dockerfile: "FROM x\nCOPY svc/a/app-?.war /\n" }, "svc/a/app-?.war"],
    [
      "a build argument",
      { dockerfile: "FROM x\nARG JAR=target/*.jar\nCOPY ${JAR} /app.jar\n", context: "service" },
      "svc/a/target/*.jar",
    ],
    ["a global build argument", { dockerfile: "ARG V=1\nFROM x\nARG V\nCOPY target/a-$V.jar /\n" }, "target/a-1.jar"],
    [
      "what only the builder knows",
      { dockerfile: "FROM x\nARG TARGETARCH\nCOPY dist/a-${TARGETARCH} /\n" },
      "dist/a-*",
    ],
    ["a directory that Git has empty", { dockerfile: "FROM x\nCOPY dist /\n", files: { "dist/.gitkeep": "" } }, "dist"],
    [
      "what a needed stage takes",
      { dockerfile: "FROM x AS b\nCOPY target /t\nFROM y\nCOPY --from=b /t /\n" },
      "target",
    ],
    ["what the stage below takes", { dockerfile: "FROM x AS B\nCOPY target /t\nFROM b\n" }, "target"],
  ])("%s", async (_what, given, missing) => {
    expect(await missingIn(given)).toEqual([expect.stringContaining(`COPY ${missing}: `)]);
  });

  test("all but what the ignore file takes in again", async () => {
    const dockerfile = "FROM x\nCOPY . .\n";
    const files = { "svc/a/.dockerignore": "*\n!target/*-runner\n" };
    expect(await missingIn({ dockerfile, files, context: "service" })).toEqual([
      "COPY .: svc/a/.dockerignore leaves nothing of what the commits have",
    ]);
  });
});

describe("no such thing", () => {
  test.each<[what: string, given: Given]>([
    [
      "`build.prepare`",
      { dockerfile: "FROM x\nCOPY target/a.jar /\n", settings: { build: { prepare: { command: "mvn" } } } },
    ],
    ["`paths`", { dockerfile: "FROM x\nCOPY target/a.jar /\n", settings: { paths: ["common"] } }],
    ["a committed directory", { dockerfile: "FROM x\nCOPY common ./libs/ /\n" }],
    ["a new file that is not ignored", { dockerfile: "FROM x\nCOPY common/C.java new.txt /\n" }],
    ["everything", { dockerfile: "FROM x\nCOPY . .\n" }],
    [
      "everything and an ignore file",
      { dockerfile: "FROM x\nCOPY . .\n", files: { ".dockerignore": "*\n!svc/a/Main.java\n" } },
    ],
    [
      "everything and an ignore file without exceptions",
      { dockerfile: "FROM x\nCOPY . .\n", files: { ".dockerignore": "**\n" } },
    ],
    ["a stage's file", { dockerfile: "FROM x AS b\nCOPY . /src\nFROM y\nCOPY --from=b /src/target/a.jar /\n" }],
    ["a stage's file by its number", { dockerfile: "FROM x\nCOPY common /c\nFROM y\nCOPY --from=0 target/a.jar /\n" }],
    ["an image's file", { dockerfile: "FROM x\nCOPY --from=acme/tools target/a.jar /\n" }],
    ["a stage's mount", { dockerfile: "FROM x AS b\nFROM y\nRUN --mount=from=b,source=target,target=/t true\n" }],
    ["a cache", { dockerfile: "FROM x\nRUN --mount=type=cache,source=target,target=/root/.m2 mvn package\n" }],
    ["a stage that nothing needs", { dockerfile: "FROM x AS dev\nCOPY target /t\nFROM y\nCOPY common /\n" }],
    [
      "a stage that the target does not need",
      { dockerfile: "FROM x AS prod\nCOPY common /\nFROM prod AS dev\nCOPY target /\n", settings: { target: "prod" } },
    ],
    [
      "a build argument that is given",
      { dockerfile: "FROM x\nARG D=target\nCOPY $D /\n", settings: { buildArgs: { D: "common" } } },
    ],
    ["what is for other images", { dockerfile: "FROM x\nONBUILD COPY target/a.jar /\n" }],
    ["a file that may be there", { dockerfile: "FROM x\nCOPY package.json* yarn.lock* common /\n" }],
    ["a glob that means something", { dockerfile: "FROM x\nCOPY libs/*.jar /\n" }],
    ["a text of its own", { dockerfile: 'FROM x\nCOPY <<EOF <<"F G" /etc/\nCOPY target /\nEOF\nF G\n' }],
    [
      "another host's file",
      { dockerfile: "FROM x\nARG URL=https://x.example/target/a.jar\nADD ${URL} /\nADD git@x.example:a/b.git /b\n" },
    ],
    ["the context's root from above", { dockerfile: "FROM x\nCOPY ../common /\n" }],
    ["a Dockerfile of another language", { dockerfile: "# syntax=acme/other\nFROM x\nCOPY target/a.jar /\n" }],
  ])("%s", async (_what, given) => expect(await missingIn(given)).toEqual([]));

  test("what is in a submodule, behind a link, or committed although it is ignored", async () => {
    const dockerfile = "FROM x\nCOPY vendor/lib/x.jar vendor/lib/*.jar link/y.jar lib.war /\n";
    const { checkout, monorepo } = checkoutWith({ dockerfile });
    using _ = checkout;
    symlinkSync("common", join(checkout.root, "link"));
    writeFileSync(join(checkout.root, "lib.war"), "");
    checkout.git("add", "--force", "lib.war");
    checkout.git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},vendor/lib`);
    expect([...(await uncommittedSources(monorepo))]).toEqual([]);
  });
});

test("a service of which nothing says what it is made from counts as changed by everything, and that is said", async () => {
  const dockerfile = "FROM x\nCOPY target/a.jar /\n";
  const changed = async (settings: ServiceSettings): Promise<[string[], string[]]> => {
    const { checkout, monorepo } = checkoutWith({ dockerfile, settings });
    using _ = checkout;
    const from = checkout.git("rev-parse", "HEAD");
    checkout.commit({ "common/C.java": "2" });
    const notes: string[] = [];
    const { services } = await affectedServices({ monorepo, from, to: "HEAD", note: (line) => notes.push(line) });
    return [services.map(({ name, reason }) => `${name}: ${reason}`), notes];
  };
  expect(await changed({})).toEqual([
    ["a: common/C.java"],
    [expect.stringMatching(/^everything counts as a change of a, .*`build.prepare`.*: COPY target\/a.jar: /)],
  ]);
  expect(await changed({ build: { prepare: { command: "mvn package" } } })).toEqual([["a: common/C.java"], []]);
  expect(await changed({ paths: ["libs/**"] })).toEqual([[], []]);
});
