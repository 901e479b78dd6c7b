import { expect, test } from "vitest";
import { guessedStack } from "../../../support/guessed-stack.ts";

const web = "FROM scratch\nEXPOSE 8080\n";

test.each<[what: string, files: Record<string, string>, peers: unknown]>([
  [
    "a template for a server's configuration",
    { "svc/a/site.conf.template": "proxy_pass ${B_HOST};" },
    { b: { variable: "B_HOST", form: "host" } },
  ],
  ["a variable of its image", { "svc/a/Dockerfile": "FROM x\nENV PEER=b:8080\nEXPOSE 80\n" }, { b: "PEER" }],
  ["a host in its code", { "svc/a/main.go": 'get("http://b:8080/x")' }, ["b"]],
  ["a host in its configuration", { "svc/a/application.yml": "b:\n  host: b\n" }, ["b"]],
  [
    "a host of a server of configurations",
    { "config/shared/a.yml": "url: http://b/\n", "config/shared/application.yml": "" },
    ["b"],
  ],
  [
    "what that has for all",
    { "config/shared/a.yml": "", "config/shared/application.properties": "url=http://b/\n" },
    ["b"],
  ],
  ["no host in a test", { "svc/a/main_test.go": 'get("http://b:8080/x")' }, undefined],
  ["no longer host", { "svc/a/main.go": 'get("http://b.example/x")' }, undefined],
  ["no file of another tool that is called as it is", { "ops/a.yml": "url: http://b/\n" }, undefined],
])("whom a service calls is told by %s", (_what, files, peers) => {
  const { config, accepted } = guessedStack({ "svc/a/Dockerfile": web, "svc/b/Dockerfile": web, ...files });
  expect(accepted.problems).toEqual([]);
  expect(Object(Object(config["services"]).a).peers).toEqual(peers);
});
