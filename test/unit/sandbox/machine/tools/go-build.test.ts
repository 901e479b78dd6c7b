import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { executableName, explainGoError } from "../../../../../sandbox/machine/tools/go-build.ts";
import { buildTools, familyKey, toolPath } from "../../../../../sandbox/machine/tools/go-tools.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "build-test-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe("buildTools", () => {
  test("returns what the cache holds, and builds nothing", async () => {
    const report = vi.fn<(line: string) => void>();
    for (const name of ["kube", "crane"] as const) {
      mkdirSync(dirname(toolPath(name)), { recursive: true });
      writeFileSync(toolPath(name), "");
    }
    expect(await buildTools(["kube", "crane"], report)).toEqual({ kube: toolPath("kube"), crane: toolPath("crane") });
    expect(report).not.toHaveBeenCalled();
  });

  test("says that Go is missing, and leaves nothing behind", async () => {
    vi.stubEnv("PATH", "/nonexistent");
    await expect(buildTools(["crane"], () => undefined)).rejects.toThrow(
      /"go" does not run here.*https:\/\/go.dev\/dl/s,
    );
    expect(readdirSync(join(folder, "delivery-sandbox"))).toEqual([]);
  });
});

const keyOf = (files: Record<string, string>, settings: object = {}): string => {
  const family = mkdtempSync(join(folder, "family-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(family, path)), { recursive: true });
    writeFileSync(join(family, path), content);
  }
  return familyKey(family, settings);
};

describe("familyKey", () => {
  const files = { "go.mod": "module a", "go.sum": "x", "kube/main.go": "package main" };

  test("is the same for the same content in another folder", () => {
    expect(keyOf(files)).toBe(keyOf(files));
  });

  test.each([
    ["a requirement", { ...files, "go.mod": "module b" }],
    ["a checksum", { ...files, "go.sum": "y" }],
    ["a source", { ...files, "kube/main.go": "package other" }],
    ["a source's name", { "go.mod": "module a", "go.sum": "x", "kube/other.go": "package main" }],
  ])("changes with %s", (_what, changed) => {
    expect(keyOf(changed)).not.toBe(keyOf(files));
  });

  test("changes with the settings, not with files that Go does not read", () => {
    expect(keyOf(files, { flags: ["-trimpath"] })).not.toBe(keyOf(files));
    expect(keyOf({ ...files, "README.md": "hello" })).toBe(keyOf(files));
  });
});

describe("executableName", () => {
  test.each([
    ["./kube", "kube"],
    ["go.etcd.io/etcd/server/v3", "server"],
    ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "pulumi"],
  ])("%s → %s", (packagePath, name) => {
    expect(executableName(packagePath)).toBe(name);
  });
});

describe("explained", () => {
  test.each([
    ["dial tcp: lookup proxy.example: no such host", /"go env GOPROXY" shows which one/],
    ["reading https://proxy.example/x/@v/list: 403 Forbidden", /set GOPROXY/],
    ["write /tmp/x: no space left on device", /The disk is full/],
    ["compile: signal: killed", /lack of memory/],
    ["undefined: foo", /the lines above tell/],
  ])("%s", (output, wayOut) => {
    const error = explainGoError("crane: build failed", new Error(`go: downloading a v1\n${output}`));
    expect(error.message).toMatch(/^crane: build failed\.\n {2}/);
    expect(error.message).toContain(output);
    expect(error.message).not.toContain("downloading");
    expect(error.message).toMatch(wayOut);
  });
});
