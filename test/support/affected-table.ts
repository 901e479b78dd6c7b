import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { serviceGraph } from "../../cli/affected/graph.ts";
import type { ServiceSettings } from "../../components/service/service.ts";
import { SampleMonorepo } from "./sample-monorepo.ts";

export interface AffectedOptions {
  readonly context?: "service" | "app";
  readonly settings?: Readonly<Record<string, ServiceSettings>>;
  /** Path → what it leads to, as it is written in the link. */
  readonly links?: Readonly<Record<string, string>>;
  /** Directories without a file, as a submodule that was not fetched is one. */
  readonly empty?: readonly string[];
}

/** Per file: the services that it affects; those of which it affects only the tests are in parentheses. */
export function affectedServices(
  files: Readonly<Record<string, string>>,
  changed: readonly string[],
  options: AffectedOptions = {},
): Record<string, string> {
  using sample = new SampleMonorepo(files);
  for (const path of options.empty ?? []) mkdirSync(join(sample.root, path), { recursive: true });
  for (const [path, target] of Object.entries(options.links ?? {})) {
    mkdirSync(dirname(join(sample.root, path)), { recursive: true });
    symlinkSync(target, join(sample.root, path));
  }
  const graph = serviceGraph(sample.monorepo(options.context, options.settings));
  return Object.fromEntries(
    changed.map((file) => {
      const found = graph.map(({ service, match }) => ({ name: service.name, part: match(file)?.part }));
      const names = found.flatMap(({ name, part }) =>
        part === undefined ? [] : [part === "image" ? name : `(${name})`],
      );
      return [file, names.join(" ")];
    }),
  );
}

/** Checks a table of file → services. */
export function expectAffected(
  files: Readonly<Record<string, string>>,
  table: Readonly<Record<string, string>>,
  options?: AffectedOptions,
): void {
  expect(affectedServices(files, Object.keys(table), options)).toEqual(table);
}

/** A Dockerfile. */
export const everything = "FROM scratch\nCOPY . .\n";

/** A Go file of a package. */
export function go(name: string, ...imports: string[]): string {
  return `package ${name}\nimport (\n${imports.map((path) => `\t"${path}"\n`).join("")})\n`;
}

/** Two services with shared and vendored packages. */
export const goShop = {
  "go.mod": "module example.com/shop\n\ngo 1.26\n",
  "svc/link/Dockerfile": everything,
  "svc/link/main.go": go("main", "example.com/shop/pkg/web", "example.com/shop/svc/link/store", "net/http"),
  "svc/link/main_test.go": go("main", "example.com/shop/pkg/webtest"),
  "svc/link/store/store.go": go("store", "github.com/lib/pq"),
  "svc/user/Dockerfile": everything,
  "svc/user/cmd/server/main.go": go("main", "example.com/shop/pkg/settings", "example.com/shop/svc/link/client"),
  "svc/link/client/client.go": go("client", "example.com/shop/pkg/settings"),
  "pkg/web/web.go": `${go("web", "embed", "example.com/shop/pkg/settings")}//go:embed pages/*.html all:static\nvar f embed.FS\n`,
  "pkg/web/web_test.go": go("web_test", "example.com/shop/pkg/webtest"),
  "pkg/web/gen.go": `//go:build ignore\n\n${go("main", "example.com/shop/pkg/unused")}`,
  "pkg/webtest/webtest.go": go("webtest", "example.com/shop/pkg/fake"),
  "pkg/fake/fake.go": go("fake"),
  "pkg/settings/settings.go": go("settings"),
  "pkg/unused/unused.go": go("unused"),
  "vendor/modules.txt": "",
  "vendor/github.com/lib/pq/conn.go": go("pq", "github.com/lib/pq/oid"),
  "vendor/github.com/lib/pq/oid/oid.go": go("oid"),
};

/** Two services in a workspace with shared packages, and one outside of it. */
export const nodeShop = {
  "package.json": JSON.stringify({ workspaces: ["apps/*", "packages/**", "!packages/old"] }),
  "apps/web/Dockerfile": everything,
  "apps/web/package.json": JSON.stringify({ name: "web", dependencies: { "@shop/ui": "*", react: "^19" } }),
  "apps/api/Dockerfile": everything,
  "apps/api/package.json": JSON.stringify({ name: "api", dependencies: { kit: "file:../../kit" } }),
  "packages/ui/package.json": JSON.stringify({
    name: "@shop/ui",
    devDependencies: { "@shop/tsconfig": "workspace:^" },
  }),
  "packages/config/tsconfig/package.json": JSON.stringify({ name: "@shop/tsconfig" }),
  "packages/old/package.json": JSON.stringify({ name: "react" }),
  "kit/package.json": JSON.stringify({ name: "kit" }),
  "svc/lone/Dockerfile": "FROM node\nCOPY svc/lone .\n",
  "svc/lone/package.json": JSON.stringify({ name: "lone", dependencies: { "@shop/ui": "1.0.0" } }),
};
