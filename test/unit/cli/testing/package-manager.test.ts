import { afterEach, expect, test } from "vitest";
import { packageManager } from "../../../../cli/testing/package-manager.ts";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const made: SampleMonorepo[] = [];
afterEach(() => made.splice(0).forEach((sample) => sample[Symbol.dispose]()));

const modern = "__metadata:\n  version: 8\n";

test.each<[files: Record<string, string>, install: string | undefined, test: string | undefined]>([
  [{}, undefined, undefined],
  [{ "package-lock.json": "{}" }, "npm ci --no-audit --no-fund", "npm test"],
  [{ "npm-shrinkwrap.json": "{}" }, "npm ci --no-audit --no-fund", "npm test"],
  [{ "pnpm-lock.yaml": "", "package-lock.json": "{}" }, "pnpm install --frozen-lockfile", "npm test"],
  [{ "bun.lock": "" }, "bun install --frozen-lockfile", "npm test"],
  [{ "yarn.lock": "# yarn lockfile v1\n" }, "yarn install --frozen-lockfile", "npm test"],
  [{ "yarn.lock": modern }, "yarn install --immutable", "yarn run test"],
  [{ "yarn.lock": modern, ".yarnrc.yml": "nodeLinker: pnp\n" }, "yarn install --immutable", "yarn run test"],
  [{ "yarn.lock": modern, ".yarnrc.yml": "a: b\nnodeLinker: node-modules\n" }, "yarn install --immutable", "npm test"],
])("the lock file says what installs and tests: %j", (files, install, script) => {
  const sample = new SampleMonorepo(files);
  made.push(sample);
  const found = packageManager(sample.root);
  expect(found?.install.join(" ")).toBe(install);
  expect(found?.test.join(" ")).toBe(script);
});
