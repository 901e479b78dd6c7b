import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { SourceCheckout } from "../source-checkout.ts";

test("a new commit of a submodule concerns the services that need something of it, whatever .gitmodules says of it", () => {
  using library = new SourceCheckout();
  library.commit({ "proto/a.proto": "1", "go.mod": "module lib\n", "web/web.go": "package web\n" });
  using checkout = new SourceCheckout();
  checkout.git("submodule", "--quiet", "add", library.root, "shop/libs/sub");
  checkout.git("config", "--file=.gitmodules", "submodule.shop/libs/sub.ignore", "all");
  const first = checkout.commit({
    "stacks/Pulumi.dev.yaml": `config:
  delivery:schemaVersion: 1
  delivery:app: { name: shop, directory: shop }
  delivery:images: { organization: acme, username: ci, source: registry, context: app }
  delivery:gitops: { repository: https://git.example/acme/deploy.git }
`,
    "shop/svc/user/Dockerfile": "FROM golang\nEXPOSE 7070\n",
    "shop/svc/user/go.mod": "module user\nreplace lib => ../../libs/sub\n",
    "shop/svc/user/main.go": 'package main\nimport _ "lib/web"\n',
    "shop/svc/link/Dockerfile": "FROM python\nCOPY libs/sub/proto .\nEXPOSE 7070\n",
    "shop/svc/news/Dockerfile": "FROM python\nEXPOSE 7070\n",
  });
  const commit = library.commit({ "proto/a.proto": "2" });
  checkout.git("-C", "shop/libs/sub", "fetch", "--quiet", "origin", commit);
  checkout.git("-C", "shop/libs/sub", "checkout", "--quiet", commit);
  checkout.git("add", "--force", "shop/libs/sub");
  checkout.git("commit", "--quiet", "--message=a new commit of the submodule");
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve("cli/main.ts"), "changes", "--from", first], {
    cwd: checkout.root,
    encoding: "utf8",
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "link  libs/sub\nuser  libs/sub\n", stderr: "" });
});
