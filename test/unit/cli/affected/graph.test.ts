import { describe, expect, test } from "vitest";
import { serviceGraph } from "../../../../cli/affected/graph.ts";
import type { ServiceSettings } from "../../../../components/service/service.ts";
import { affectedServices, go, goShop, nodeShop } from "../../../support/affected-table.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

test("the reason is the file, or the shared code that it is in", () => {
  using sample = new SampleMonorepo({ ...goShop, ...nodeShop });
  const reasons = new Map(
    serviceGraph(sample.monorepo()).map(({ service, match }) => [
      service.name,
      ["svc/link/main.go", "pkg/web/web.go", "packages/ui/x.ts", "go.mod"].map((file) => match(file)?.reason),
    ]),
  );
  expect(reasons.get("link")).toEqual(["svc/link/main.go", "shared code pkg/web", "packages/ui/x.ts", "go.mod"]);
  expect(reasons.get("web")).toEqual([undefined, "pkg/web/web.go", "shared code packages/ui", "go.mod"]);
});

test("a file that is mounted affects the tests of the services that have it, and the images that it is copied into", () => {
  const files = {
    "svc/link/Dockerfile": "FROM scratch\nCOPY a.conf /\n",
    "svc/user/Dockerfile": "FROM scratch\nCOPY main /\n",
  };
  const settings: Record<string, ServiceSettings> = {
    link: { files: { "/a": { file: "a.conf" }, "/b": { file: "../../shared/b.conf" } } },
    user: {
      files: {
        "/a": { file: "./conf/a.conf" },
        "/b": { file: "../../shared/b.conf" },
        "/c": { content: "shared/c.conf" },
      },
    },
  };
  const changed = ["svc/link/a.conf", "svc/user/conf/a.conf", "shared/b.conf", "shared/c.conf"];
  expect(affectedServices(files, changed, { settings })).toEqual({
    "svc/link/a.conf": "link",
    "svc/user/conf/a.conf": "user",
    "shared/b.conf": "(link) (user)",
    "shared/c.conf": "",
  });
});

test("the file with the settings of a service counts, by the name that the stack file says", () => {
  using sample = new SampleMonorepo({ ...goShop, "svc/link/delivery.yaml": "", "svc/link/service.yaml": "" });
  const monorepo = sample.monorepo();
  const graph = serviceGraph({ ...monorepo, app: { ...monorepo.app, serviceFile: "delivery.yaml" } });
  const link = graph.find(({ service }) => service.name === "link");
  expect(link?.match("svc/link/delivery.yaml")).toEqual({ part: "tests", reason: "svc/link/delivery.yaml" });
  expect(link?.match("svc/link/service.yaml")?.part).toBe("image");
});

describe("what `build.prepare` is made from", () => {
  const shop = {
    "go.mod": "module example.com/shop\n\ngo 1.26\n",
    "package.json": JSON.stringify({ workspaces: ["web/*", "svc/c"] }),
    "pom.xml": "",
    "README.md": "",
    ".github/workflows/ci.yml": "",
    "svc/a/Dockerfile": "FROM scratch\nCOPY target/a.jar /\n",
    "svc/a/service.yaml": "",
    "svc/a/pom.xml": "",
    "svc/b/Dockerfile": "FROM scratch\nCOPY bin/b /\n",
    "svc/b/main.go": go("main", "example.com/shop/pkg/x"),
    "svc/c/Dockerfile": "FROM scratch\nCOPY dist /\n",
    "svc/c/package.json": JSON.stringify({ name: "c", scripts: { build: "tsc" }, dependencies: { "@shop/ui": "*" } }),
    "common/C.java": "",
    "pkg/x/x.go": go("x"),
    "pkg/y/y.go": go("y"),
    "web/ui/package.json": JSON.stringify({ name: "@shop/ui" }),
    "web/old/package.json": JSON.stringify({ name: "@shop/old" }),
  };
  const files = Object.keys(shop).concat("svc/a/src/A.java", "web/ui/a.ts", "web/old/a.ts");
  /** What affects the image of one of the services. */
  const affecting = (service: string, settings: ServiceSettings): string[] =>
    Object.entries(affectedServices(shop, files, { context: "service", settings: { [service]: settings } }))
      .filter(([, names]) => names.split(" ").includes(service))
      .map(([file]) => file);
  const prepare = (command: string, more: ServiceSettings = {}): ServiceSettings => ({
    ...more,
    build: { prepare: { command } },
  });
  const own = (service: string): string[] => files.filter((file) => file.startsWith(`svc/${service}/`));
  const unread = [".github/workflows/ci.yml", "svc/b/Dockerfile", "svc/c/Dockerfile"];

  test.each<[what: string, service: string, settings: ServiceSettings, expected: readonly string[]]>([
    ["nothing else without one", "a", {}, ["svc/a/Dockerfile", "svc/a/pom.xml", "svc/a/src/A.java"]],
    ["everything", "a", prepare("mvn -pl svc/a -am package"), files.filter((file) => !unread.includes(file))],
    [
      "everything of a script",
      "b",
      prepare("sh build.sh"),
      files.filter((file) => !/^(\.github|svc\/[ac]\/(Dock|serv))/.test(file)),
    ],
    [
      "what `paths` says",
      "a",
      prepare("mvn package", { paths: ["common", "pom.xml"] }),
      ["pom.xml", ...own("a"), "common/C.java"],
    ],
    ["what `only` leaves", "a", prepare("make", { only: ["common"] }), [...own("a"), "common/C.java"]],
    [
      "what its code in Go imports",
      "b",
      prepare("go build -o svc/b/bin/b ./svc/b"),
      ["go.mod", ...own("b"), "pkg/x/x.go"],
    ],
    [
      "the same by its variables",
      "b",
      prepare("CGO_ENABLED=0 go build -o $SERVICE_DIRECTORY/bin/${SERVICE} ./${SERVICE_DIRECTORY}"),
      ["go.mod", ...own("b"), "pkg/x/x.go"],
    ],
    ["the same in its directory", "b", prepare("cd svc/b\ngo build -o bin/b"), ["go.mod", ...own("b"), "pkg/x/x.go"]],
    [
      "what else it compiles",
      "a",
      prepare("go build -o svc/a/target/a.jar ./pkg/y"),
      ["go.mod", ...own("a"), "pkg/y/y.go"],
    ],
    [
      "its packages of Node, and what is in none",
      "c",
      prepare("cd svc/c && npm ci && npm run build"),
      files.filter((file) => !/^(\.github|web\/old|svc\/[ab]\/)/.test(file)),
    ],
    [
      "its packages of Node and what `paths` says",
      "c",
      prepare("npm ci -w c && npm run build -w c", { paths: ["common"] }),
      ["package.json", ...own("c"), "web/ui/package.json", "web/ui/a.ts", "common/C.java"],
    ],
    [
      "the packages of Node that it works in",
      "c",
      prepare("cd web/old && npm ci", { paths: ["common"] }),
      ["package.json", ...own("c"), ...files.filter((file) => file.startsWith("web/")), "common/C.java"],
    ],
    [
      "everything of a second command",
      "b",
      prepare("go build ./svc/b; ./pack"),
      files.filter((file) => !/^(\.github|svc\/[ac]\/(Dock|serv))/.test(file)),
    ],
    [
      "everything of a heredoc",
      "b",
      prepare("go build ./svc/b\ncat >svc/b/bin/x <<END0\nx\nEND0"),
      files.filter((file) => !/^(\.github|svc\/[ac]\/(Dock|serv))/.test(file)),
    ],
  ])("%s", (_what, service, settings, expected) => {
    expect(affecting(service, settings).toSorted()).toEqual([...expected].toSorted());
  });
});
