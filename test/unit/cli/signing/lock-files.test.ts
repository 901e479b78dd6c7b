import { expect, test } from "vitest";
import { isLockFile, lockedPackages } from "../../../../cli/signing/lock-files.ts";

const read = (path: string, text: string): string[] =>
  lockedPackages(path, text).map(({ type, name, version, hashes }) =>
    [`${type} ${name} ${version}`, ...Object.entries(hashes).map(([algorithm, value]) => `${algorithm} ${value}`)].join(
      " ",
    ),
  );

test("go.mod: both forms of require, without comments, and what is replaced by its own name", () => {
  const text =
    'module example.com/a\n\ngo 1.26\n\nrequire github.com/lib/pq v1.12.3 // indirect\nrequire (\n\tgolang.org/x/sys v0.1.0\n\t// github.com/old/one v1.0.0\n\t"gopkg.in/yaml.v3" v3.0.1\n)\nreplace github.com/lib/pq => ../pq\n';
  expect(read("svc/go.mod", text)).toEqual([
    "golang github.com/lib/pq v1.12.3",
    "golang golang.org/x/sys v0.1.0",
    "golang gopkg.in/yaml.v3 v3.0.1",
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
    '[[package]]\nname = "own"\nversion = "0.1.0"\nsource = { editable = "." }\n\n[[package]]\nname = "flask"\nversion = "3.0.0"\nsource = { registry = "x" }\n';
  expect(read("uv.lock", uv)).toEqual(["pypi flask 3.0.0"]);
  expect(read("requirements.txt", "# one\nFlask_Cors[x] == 4.0.1 ; python_version > '3'\nrequests>=2\n")).toEqual([
    "pypi flask-cors 4.0.1",
  ]);
  expect(read("composer.lock", '{"packages":[{"name":"symfony/yaml","version":"v7.0.0"}]}')).toEqual([
    "composer symfony/yaml v7.0.0",
  ]);
});

test("other files are none, also those with names of objects' own properties", () => {
  expect(["go.sum", "constructor", "a/Dockerfile"].filter(isLockFile)).toEqual([]);
  expect(() => read("package-lock.json", "{")).toThrow(SyntaxError);
});
