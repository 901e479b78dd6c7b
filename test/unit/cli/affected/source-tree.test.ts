import { describe, test } from "vitest";
import { everything, expectAffected, go, goShop } from "../../../support/affected-table.ts";

const python = (...sources: string[]): string => `FROM python\n${sources.map((at) => `COPY ${at} /x/\n`).join("")}`;

describe("a symbolic link", () => {
  const shop = {
    "go.mod": "module shop",
    "shared/web/web.go": go("web", "shop/shared/db"),
    "shared/web/web_test.go": go("web"),
    "shared/version.go": go("main"),
    "shared/db/db.go": go("db"),
    "svc/a/Dockerfile": everything,
    "svc/a/main.go": go("main", "shop/svc/a/web"),
    "svc/b/Dockerfile": everything,
    "svc/b/main.go": go("main", "shop/lib/b/far"),
    "lib/b/far/far.go": go("far"),
    "svc/c/Dockerfile": everything,
    "svc/c/main.go": go("main"),
  };
  const links = { "svc/a/web": "../../shared/web", "svc/b/version.go": "../../shared/version.go", "lib/far": "b/far" };

  test("makes a file count at all its paths: of Go", () => {
    expectAffected(
      shop,
      {
        "shared/web/web.go": "a",
        "shared/web/web_test.go": "(a)",
        "shared/db/db.go": "a",
        "shared/version.go": "b",
        "svc/b/version.go": "b",
        "lib/b/far/far.go": "b",
      },
      { links },
    );
    const imports = { "svc/b/main.go": go("main", "shop/lib/far") };
    expectAffected({ ...shop, ...imports }, { "lib/b/far/far.go": "b", "lib/far": "a b c" }, { links });
  });

  test("makes a file count at all its paths: what the Dockerfile copies, and the Dockerfile itself", () => {
    const files = { "svc/a/app.py": "", "docker/python.Dockerfile": python("libs/old", "svc/a"), "libs/new/x.py": "" };
    expectAffected(
      { ...files, "proto/v2/x.proto": "", "svc/b/Dockerfile": "FROM scratch\n" },
      {
        "libs/new/x.py": "a",
        "proto/v2/x.proto": "b",
        "docker/python.Dockerfile": "a",
        "config/x.json": "a",
        "config/README.md": "a",
      },
      {
        links: {
          "svc/a/Dockerfile": "../../docker/python.Dockerfile",
          "svc/a/config": "../../config",
          "svc/a/lost": "nowhere",
          "svc/a/circle": "circle",
          "svc/a/away": "/tmp",
          "libs/old": "new",
          "proto/latest": "v2",
        },
        settings: { b: { paths: ["proto/latest/**"] } },
        empty: ["config"],
      },
    );
  });

  test("leads into the image only what the builder sees", () => {
    const ignored = {
      "svc/a/Dockerfile.dockerignore": "shared/web\n",
      "svc/b/Dockerfile.dockerignore": "svc/b/version.go\n",
    };
    const table = { "shared/web/web.go": "(a)", "shared/version.go": "(b)" };
    expectAffected({ ...shop, ...ignored }, table, { links });
  });
});

describe("a submodule", () => {
  const services = {
    "svc/gosvc/Dockerfile": "FROM golang\n",
    "svc/gosvc/go.mod": "module gosvc\nreplace sub => ../../libs/sub\n",
    "svc/gosvc/main.go": go("main", "sub/a"),
    "svc/node/Dockerfile": "FROM node\n",
    "svc/node/package.json": JSON.stringify({ dependencies: { sub: "file:../../libs/sub" } }),
    "svc/all/Dockerfile": python("libs/sub"),
    "svc/part/Dockerfile": python("libs/sub/proto"),
    "svc/globbed/Dockerfile": python("libs/*/proto/*.proto"),
    "svc/sweep/Dockerfile": everything,
    "svc/watched/Dockerfile": everything,
    "svc/patterned/Dockerfile": "FROM scratch\n",
    "svc/other/Dockerfile": python("libs/other"),
    "svc/unseen/Dockerfile": everything,
    "svc/unseen/Dockerfile.dockerignore": "libs\n",
    "svc/seen/Dockerfile": everything,
    "svc/seen/Dockerfile.dockerignore": "libs\n!libs/sub/proto\n",
  };
  const settings = { watched: { paths: ["libs/sub/**"] }, patterned: { paths: ["**/*.proto"] } };

  test("is one path, which counts for all that is needed of it, also where it was not fetched", () => {
    expectAffected(
      services,
      { "libs/sub": "all globbed gosvc node part patterned seen sweep watched", "libs/submarine": "sweep watched" },
      { settings, empty: ["libs/sub"] },
    );
    // Removed: what only a pattern meant is not known any more.
    expectAffected(services, { "libs/sub": "all gosvc node part sweep watched" }, { settings });
  });

  test("may have the service itself in it, or only packages of its tests", () => {
    const files = { ...goShop, "svc/link/Dockerfile": "FROM scratch\n", "svc/user/Dockerfile": "FROM scratch\n" };
    expectAffected(files, { svc: "link user", "svc/link": "link user", "pkg/fake": "(link)", pkg: "link user" });
    expectAffected(files, { svc: "link user" }, { context: "service" });
  });

  test("may be a package of a workspace", () => {
    const workspace = {
      "package.json": JSON.stringify({ workspaces: ["packages/*"] }),
      "packages/ui/package.json": JSON.stringify({ name: "ui" }),
      "packages/kit/package.json": JSON.stringify({ name: "kit" }),
      "svc/web/Dockerfile": `FROM node\nCOPY packages packages\nCOPY . .\n`,
      "svc/web/package.json": JSON.stringify({ name: "web", dependencies: { ui: "*" } }),
    };
    const member = { ...workspace, "package.json": JSON.stringify({ workspaces: ["packages/*", "svc/*"] }) };
    expectAffected(member, { "packages/ui": "web", "packages/kit": "", packages: "web", tools: "web" });
  });
});
