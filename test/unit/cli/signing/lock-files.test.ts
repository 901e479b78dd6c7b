import { describe, expect, test } from "vitest";
import { isLockFile, lockedPackages } from "../../../../cli/signing/lock-files.ts";

const read = (path: string, text: string, manifests: readonly string[] = []): string[] =>
  lockedPackages(path, text, manifests).map(({ type, name, version, hashes }) =>
    [`${type} ${name} ${version}`, ...Object.entries(hashes).map(([algorithm, value]) => `${algorithm} ${value}`)].join(
      " ",
    ),
  );

test("go.mod: both forms of require and replace, without comments, and without what a directory takes the place of", () => {
  const text =
    'module example.com/a\n\ngo 1.26\n\nrequire github.com/lib/pq v1.12.3 // indirect\nrequire (\n\tgolang.org/x/sys v0.1.0\n\t// github.com/old/one v1.0.0\n\t"gopkg.in/yaml.v3" v3.0.1\n\texample.com/log v1.2.0\n\texample.com/b v0.0.0\n)\n' +
    "replace github.com/lib/pq => ../pq\nreplace (\n\tgolang.org/x/sys => github.com/acme/sys v0.1.1 // forked\n\texample.com/log v1.2.0 => example.com/log v1.2.1\n\texample.com/log v1.3.0 => ./log\n\texample.com/b v0.0.1 => ../b\n)\n";
  expect(read("svc/go.mod", text)).toEqual([
    "golang github.com/acme/sys v0.1.1",
    "golang gopkg.in/yaml.v3 v3.0.1",
    "golang example.com/log v1.2.1",
    "golang example.com/b v0.0.0",
  ]);
});

test("package-lock.json: what is installed for production, with its hash", () => {
  const packages = {
    "": { name: "web", version: "1.0.0" },
    "node_modules/@acme/ui": { version: "2.0.0", integrity: "sha512-AAECAw==" },
    "node_modules/a/node_modules/b": { version: "1.1.0" },
    "node_modules/vitest": { version: "5.0.0", dev: true },
    "node_modules/lib": { resolved: "lib", link: true },
    lib: { version: "1.0.0" },
  };
  expect(read("package-lock.json", JSON.stringify({ lockfileVersion: 3, packages }))).toEqual([
    "npm @acme/ui 2.0.0 SHA-512 00010203",
    "npm b 1.1.0",
  ]);
});

test("pnpm, Cargo, uv, requirements and Composer", () => {
  expect(
    read(
      "pnpm-lock.yaml",
      "packages:\n  '@acme/ui@2.0.0(react@19.0.0)':\n    resolution: {integrity: sha512-AAECAw==}\n  a@1.0.0: {}\n",
    ),
  ).toEqual(["npm @acme/ui 2.0.0 SHA-512 00010203", "npm a 1.0.0"]);
  const cargo =
    '[[package]]\nname = "own"\nversion = "0.1.0"\n\n[[package]]\nname = "serde"\nversion = "1.0.1"\nsource = "registry+x"\nchecksum = "0a"\n';
  expect(read("Cargo.lock", cargo)).toEqual(["cargo serde 1.0.1 SHA-256 0a"]);
  const uv =
    '[[package]]\nname = "own"\nversion = "0.1.0"\nsource = { editable = "." }\ndependencies = [{ name = "flask" }]\n\n[[package]]\nname = "flask"\nversion = "3.0.0"\nsource = { registry = "x" }\n';
  expect(read("uv.lock", uv)).toEqual(["pypi flask 3.0.0"]);
  expect(read("requirements.txt", "# one\nFlask_Cors[x] == 4.0.1 ; python_version > '3'\nrequests>=2\n")).toEqual([
    "pypi flask-cors 4.0.1",
  ]);
  expect(read("composer.lock", '{"packages":[{"name":"symfony/yaml","version":"v7.0.0"}]}')).toEqual([
    "composer symfony/yaml v7.0.0",
  ]);
});

test("pnpm 9 to 12: what more than development needs, also under another name; the document of pnpm's own packages is passed over", () => {
  const own =
    "---\nlockfileVersion: '9.0'\nimporters:\n  .:\n    configDependencies:\n      is-even: {specifier: 1.0.0, version: 1.0.0}\n    packageManagerDependencies:\n      pnpm: {specifier: 12.3.4, version: 12.3.4}\n" +
    "packages:\n  is-even@1.0.0: {}\n  pnpm@12.3.4: {}\nsnapshots:\n  is-even@1.0.0: {}\n  pnpm@12.3.4: {}\n";
  const project =
    "---\nlockfileVersion: '9.0'\nimporters:\n  .:\n    devDependencies:\n      is-odd: {specifier: 3.0.1, version: 3.0.1}\n  web:\n    dependencies:\n" +
    "      '@shop/ui': {specifier: 'workspace:*', version: link:../ui}\n      store: {specifier: 'npm:use-store@1.2.0', version: use-store@1.2.0(react@18.2.0)}\n" +
    "      lib: {specifier: 'file:./lib', version: 'file:lib'}\n      tar: {specifier: 'file:./ms.tgz', version: 'ms@file:ms.tgz'}\n      node: {specifier: 'runtime:24.0.0', version: 'runtime:24.0.0'}\n" +
    "    optionalDependencies:\n      '@os/events': {specifier: 2.3.3, version: 2.3.3}\n" +
    "packages:\n  '@os/events@2.3.3': {}\n  is-number@6.0.0: {}\n  is-odd@3.0.1: {}\n  left-pad@1.3.0: {}\n  'lib@file:lib': {resolution: {directory: lib, type: directory}}\n" +
    "  'ms@file:ms.tgz': {resolution: {integrity: sha512-AAECAw==, tarball: 'file:ms.tgz'}, version: 2.1.1}\n  'node@runtime:24.0.0': {resolution: {type: variations}, version: 24.0.0}\n  react@18.2.0: {}\n  use-store@1.2.0: {}\n" +
    "snapshots:\n  '@os/events@2.3.3': {optional: true}\n  is-number@6.0.0: {}\n  is-odd@3.0.1: {dependencies: {is-number: 6.0.0}}\n  left-pad@1.3.0: {}\n  'lib@file:lib': {dependencies: {left-pad: 1.3.0}}\n" +
    "  'ms@file:ms.tgz': {}\n  'node@runtime:24.0.0': {}\n  react@18.2.0: {}\n  use-store@1.2.0(react@18.2.0): {dependencies: {react: 18.2.0}}\n";
  const used = [
    "npm @os/events 2.3.3",
    "npm left-pad 1.3.0",
    "npm ms 2.1.1 SHA-512 00010203",
    "npm react 18.2.0",
    "npm use-store 1.2.0",
  ];
  expect(read("pnpm-lock.yaml", own + project)).toEqual(used);
  expect(read("pnpm-lock.yaml", project)).toEqual(used);
  expect(() => read("pnpm-lock.yaml", `${own}---\npackages: {`)).toThrow("Flow map");
  expect(() => read("pnpm-lock.yaml", "")).toThrow("expected object");
});

test("pnpm 7 and 8: packages by their older keys, which say themselves that they are for development", () => {
  const rest =
    "\n  /is-odd_3.0.1: {dev: true}\n  file:lib: {resolution: {directory: lib, type: directory}, name: lib, version: 1.0.0, dev: false}\n  github.com/acme/log/abc: {name: log, version: 2.0.0, dev: false}\n";
  expect(
    read(
      "pnpm-lock.yaml",
      `lockfileVersion: 5.4\npackages:\n  /@babel/core/7.22.5_react@18.2.0: {dev: false}\n  /ms/2.1.3: {}${rest.replace("_", "/")}`,
    ),
  ).toEqual(["npm @babel/core 7.22.5", "npm ms 2.1.3", "npm log 2.0.0"]);
  expect(
    read(
      "pnpm-lock.yaml",
      `lockfileVersion: '6.0'\npackages:\n  /@babel/core@7.22.5(react@18.2.0): {dev: false}\n  /ms@2.1.3: {}${rest.replace("_", "@")}`,
    ),
  ).toEqual(["npm @babel/core 7.22.5", "npm ms 2.1.3", "npm log 2.0.0"]);
});

test("Poetry: neither the monorepo's own nor what is in the group for development alone", () => {
  const one = (name: string, more: string): string => `[[package]]\nname = "${name}"\nversion = "1.0.0"\n${more}\n`;
  const text = [
    one("flask", 'groups = ["main", "dev"]'),
    one("pytest", 'groups = ["dev"]'),
    one("mypy", 'category = "dev"'),
    one("six", 'category = "main"'),
    one("own", 'groups = ["main"]\n[package.source]\ntype = "directory"\nurl = "../own"'),
    one("fork", '[package.source]\ntype = "git"\nurl = "https://github.com/acme/fork.git"'),
  ];
  expect(read("poetry.lock", text.join("\n"))).toEqual(["pypi flask 1.0.0", "pypi six 1.0.0", "pypi fork 1.0.0"]);
});

test("npm 6 and before: a tree, in which all says itself whether it is for development", () => {
  const dependencies = {
    a: { version: "1.0.0", integrity: "sha512-AAECAw==", dependencies: { b: { version: "2.0.0" } } },
    pad: { version: "npm:left-pad@1.3.0" },
    lib: { version: "file:lib" },
    vitest: { version: "5.0.0", dev: true },
  };
  const used = ["npm a 1.0.0 SHA-512 00010203", "npm b 2.0.0", "npm left-pad 1.3.0"];
  expect(read("package-lock.json", JSON.stringify({ lockfileVersion: 1, dependencies }))).toEqual(used);
  expect(read("npm-shrinkwrap.json", JSON.stringify({ lockfileVersion: 1, dependencies }))).toEqual(used);
});

describe("Yarn", () => {
  const web = JSON.stringify({
    dependencies: { "@acme/ui": "^2.0.0", pad: "npm:left-pad@^1.3.0", "@shop/lib": "1.0.0", lib: "link:../lib" },
    optionalDependencies: { chokidar: "3.6.0" },
    devDependencies: { vitest: "^5.0.0" },
  });

  test("1: what the manifests need beyond development, also under another name", () => {
    const text = [
      "# THIS IS AN AUTOGENERATED FILE.\n# yarn lockfile v1\n\n",
      '"@acme/ui@^1.0.0 || ^2.0.0", "@acme/ui@^2.0.0":\n  version "2.0.0"\n  resolved "https://registry.yarnpkg.com/x.tgz#0a"\n',
      '  integrity sha512-AAECAw==\n  dependencies:\n    ms ^2.0.0\n  optionalDependencies:\n    fsevents "~2.3.2"\n\n',
      'chokidar@3.6.0:\n  version "3.6.0"\n  dependencies:\n    braces "~3.0.2"\n\n',
      'braces@3.0.3:\n  version "3.0.3"\n\nfsevents@~2.3.2:\n  version "2.3.3"\n\n"lib@link:../lib":\n  version "0.0.0"\n  uid ""\n\n',
      'ms@^2.0.0, ms@^2.1.1:\n  version "2.1.3"\n\n"pad@npm:left-pad@^1.3.0":\n  version "1.3.0"\n\nvitest@^5.0.0:\n  version "5.1.1"\n  dependencies:\n    ms "^2.1.1"\n',
    ].join("");
    const used = ["@acme/ui 2.0.0 SHA-512 00010203", "left-pad 1.3.0", "chokidar 3.6.0"];
    const more = ["ms 2.1.3", "fsevents 2.3.3", "braces 3.0.3"];
    expect(read("yarn.lock", text, [web])).toEqual([...used, ...more].map((one) => `npm ${one}`));
    expect(read("yarn.lock", text.replaceAll("\n", "\r\n"), ["{", web])).toHaveLength(6);
    expect(read("yarn.lock", text)).toContain("npm vitest 5.1.1");
    expect(() => read("yarn.lock", `${text}<<<<<<< HEAD\n`)).toThrow("is in no form of Yarn's");
  });

  test("2 to 4: as YAML, where a member of a workspace has all that it takes, for development, too", () => {
    const entry = (key: string, resolution: string, more = ""): string =>
      `"${key}":\n  version: ${/@npm:(\d.*)$/.exec(resolution)?.[1] ?? "0.0.0-use.local"}\n  resolution: "${resolution}"\n${more}  linkType: hard\n\n`;
    const text = [
      "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n",
      entry(
        "@acme/ui@npm:^1.0.0, @acme/ui@npm:^2.0.0",
        "@acme/ui@npm:2.0.0",
        '  dependencies:\n    ms: "npm:^2.0.0"\n  checksum: 10c0/0a\n',
      ),
      entry(
        "@shop/lib@npm:1.0.0, @shop/lib@workspace:lib",
        "@shop/lib@workspace:lib",
        '  dependencies:\n    vitest: "npm:^5.0.0"\n',
      ),
      entry("chokidar@npm:3.6.0", "chokidar@npm:3.6.0", '  dependencies:\n    braces: "npm:~3.0.2"\n'),
      entry("braces@npm:3.0.3", "braces@npm:3.0.3"),
      entry("ms@npm:^2.0.0", "ms@npm:2.1.3"),
      entry("pad@npm:left-pad@^1.3.0", "left-pad@npm:1.3.0"),
      entry("lib@link:../lib::locator=web", "lib@link:../lib::locator=web"),
      entry("vitest@npm:^5.0.0", "vitest@npm:5.1.1"),
    ].join("");
    const used = ["@acme/ui 2.0.0", "left-pad 1.3.0", "chokidar 3.6.0", "ms 2.1.3", "braces 3.0.3"];
    expect(read("yarn.lock", text, [web])).toEqual(used.map((one) => `npm ${one}`));
    expect(() => read("yarn.lock", "__metadata:\n  version: 8\na@npm:1: {}\n")).toThrow("resolution");
  });
});

test("bun.lock: the nearest package of each name, peers that are not optional, and not what is for development", () => {
  const text = `{
    "lockfileVersion": 1,
    "workspaces": {
      "": { "name": "shop", "devDependencies": { "vitest": "^5.0.0" } },
      "web": { "name": "@shop/web", "dependencies": { "ms": "^1.0.0", "pad": "npm:left-pad@^1.3.0", "@shop/ui": "workspace:*", "tar": "./tar.tgz" }, },
      "ui": { "name": "@shop/ui", "dependencies": { "@acme/ui": "2.0.0" }, },
    },
    "packages": {
      "@acme/ui": ["@acme/ui@2.0.0", "", { "dependencies": { "ms": "^2.0.0" }, "peerDependencies": { "react": "*", "vue": "*" }, "optionalPeers": ["vue"] }, "sha512-AAECAw=="],
      "@shop/ui": ["@shop/ui@workspace:ui"],
      "@shop/web": ["@shop/web@workspace:web"],
      "ms": ["ms@2.1.3", "", {}, "sha512-AAECAw=="],
      "pad": ["left-pad@1.3.0", "", {}, "sha512-AAECAw=="],
      "react": ["react@19.0.0", "", {}, "sha512-AAECAw=="],
      "tar": ["tar@./tar.tgz", {}, "sha512-AAECAw=="],
      "vitest": ["vitest@5.0.0", "", {}, "sha512-AAECAw=="],
      "vue": ["vue@3.0.0", "", {}, "sha512-AAECAw=="],
      "@shop/web/ms": ["ms@1.0.0", "", {}, "sha512-AAECAw=="],
    },
  }`;
  const used = ["ms 1.0.0", "left-pad 1.3.0", "tar ./tar.tgz", "@acme/ui 2.0.0", "ms 2.1.3", "react 19.0.0"];
  expect(read("bun.lock", text)).toEqual(used.map((one) => `npm ${one} SHA-512 00010203`));
  expect(() => read("bun.lock", "{")).toThrow("expected object");
});

test("uv: not what the projects need in their group dev alone", () => {
  const one = (name: string, more: string): string => `[[package]]\nname = "${name}"\nversion = "1.0.0"\n${more}\n`;
  const registry = 'source = { registry = "https://pypi.org/simple" }\n';
  const text = [
    one(
      "own",
      'source = { editable = "." }\ndependencies = [{ name = "flask", extra = ["async"] }]\n[package.optional-dependencies]\ns3 = [{ name = "boto3" }]\n[package.dev-dependencies]\ndev = [{ name = "pytest" }]\nserver = [{ name = "gunicorn" }]\n',
    ),
    one(
      "flask",
      `${registry}dependencies = [{ name = "click", marker = "x" }]\n[package.optional-dependencies]\nasync = [{ name = "asgiref" }]\n`,
    ),
    ...["asgiref", "boto3", "click", "gunicorn"].map((name) => one(name, registry)),
    one("pytest", `${registry}dependencies = [{ name = "click" }, { name = "pluggy" }]\n`),
    one("pluggy", registry),
  ].join("\n");
  const used = ["flask", "asgiref", "boto3", "click", "gunicorn"];
  expect(read("uv.lock", text)).toEqual(used.map((name) => `pypi ${name} 1.0.0`));
});

test("other files are none, also those with names of objects' own properties", () => {
  expect(["go.sum", "constructor", "a/Dockerfile"].filter(isLockFile)).toEqual([]);
  expect(() => read("package-lock.json", "{")).toThrow(SyntaxError);
});
