import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { executableName, explainGoError } from "../../../../../sandbox/machine/tools/go-build.ts";
import { buildTools, startTools } from "../../../../../sandbox/machine/tools/go-tools.ts";
import { leftOutFiles } from "../../../../../sandbox/machine/tools/left-out.ts";
import { isRecent, pulumiOnPath } from "../../../../../sandbox/machine/tools/own-pulumi.ts";
import { familyKey, toolPath } from "../../../../../sandbox/machine/tools/tool-families.ts";

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
    await expect.poll(() => readdirSync(join(folder, "delivery-sandbox"))).toEqual([]);
  });
});

const keyOf = (files: Record<string, string>, settings: object = {}): string => {
  const tools = mkdtempSync(join(folder, "tools-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tools, path)), { recursive: true });
    writeFileSync(join(tools, path), content);
  }
  return familyKey(tools, "cluster", settings);
};

describe("familyKey", () => {
  const files = {
    "go.mod": "module a",
    "go.sum": "x",
    "cluster/kube/main.go": "package main",
    "left-out/acme.example/a/a.go": "package a",
  };
  const { "cluster/kube/main.go": main, ...others } = files;

  test("is the same for the same content in another folder", () => {
    expect(keyOf(files)).toBe(keyOf(files));
  });

  test.each([
    ["a requirement", { ...files, "go.mod": "module b" }],
    ["a checksum", { ...files, "go.sum": "y" }],
    ["a source", { ...files, "cluster/kube/main.go": "package other" }],
    ["a source's name", { ...others, "cluster/kube/other.go": main }],
    ["what is left out", { ...files, "left-out/acme.example/a/a.go": "package b" }],
    ["a module that stands for one", { ...files, "left-out/acme/go.mod": "module acme" }],
  ])("changes with %s", (_what, changed) => {
    expect(keyOf(changed)).not.toBe(keyOf(files));
  });

  test("changes with the settings, not with files of another family or such that Go does not read", () => {
    expect(keyOf(files, { flags: ["-trimpath"] })).not.toBe(keyOf(files));
    expect(keyOf({ ...files, "cluster/README.md": "hello" })).toBe(keyOf(files));
    expect(keyOf({ ...files, "argocd/argocd/main.go": "package main" })).toBe(keyOf(files));
  });
});

describe("startTools", () => {
  const make = (name: "kube" | "pulumi"): void => {
    mkdirSync(dirname(toolPath(name)), { recursive: true });
    writeFileSync(toolPath(name), "");
  };

  test("gives a tool that is there while another cannot be built", async () => {
    make("kube");
    vi.stubEnv("PATH", "/nonexistent");
    await using tools = startTools(["kube", "crane"], () => undefined);
    expect(await tools.get("kube")).toEqual({ kube: toolPath("kube") });
    await expect(tools.get("kube", "crane")).rejects.toThrow(/"go" does not run here/);
  });

  test("stopped, because something else has failed, leaves what it has done for the next", async () => {
    const bin = mkdtempSync(join(folder, "bin-"));
    const go = `#!/bin/sh\n[ "$1" != mod ] || { : >${folder}/downloads; exec sleep 1008; }\necho go version go1.27.1 linux/amd64\n`;
    writeFileSync(join(bin, "go"), go, { mode: 0o755 });
    vi.stubEnv("PATH", `${bin}:/usr/bin:/bin`);
    {
      await using tools = startTools(["crane"], () => undefined);
      await expect.poll(() => readdirSync(folder), { timeout: 20_000 }).toContain("downloads");
      tools.get("crane").catch(() => undefined);
    }
    expect(readdirSync(join(folder, "delivery-sandbox"))).toEqual(["building"]);
  });

  const network = "dial tcp: lookup proxy.example: no such host";
  test.each([
    ["the network is away", [network], ["building"]],
    ["it is away for long", [network, network], ["building"]],
    ["a compiler is killed", ["cmd/compile: signal: killed"], ["building"]],
    ["the disk is full", ["write: no space left on device"], []],
    ["it gets full later", [network, "write: no space left on device"], []],
    ["Go objects", ["missing go.sum entry"], ["building"]],
    ["Go objects to what an earlier run has left, perhaps", ["missing go.sum entry", "missing go.sum entry"], []],
  ])("that fails, since %s, leaves what is of use", async (_what, failures, left) => {
    const bin = mkdtempSync(join(folder, "bin-"));
    const go = `#!/bin/sh\n[ "$1" = env ] && { echo go1.27.1; exit; }\ncat ${folder}/failure >&2\nexit 1\n`;
    writeFileSync(join(bin, "go"), go, { mode: 0o755 });
    vi.stubEnv("PATH", `${bin}:/usr/bin:/bin`);
    for (const failure of failures) {
      writeFileSync(join(folder, "failure"), `${failure}\n`);
      await expect(buildTools(["crane"], () => undefined)).rejects.toThrow(failure);
    }
    await expect.poll(() => readdirSync(join(folder, "delivery-sandbox"))).toEqual(left);
  });

  const install = (answer: string): string => {
    const bin = mkdtempSync(join(folder, "bin-"));
    writeFileSync(join(bin, "pulumi"), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
    vi.stubEnv("PATH", `${bin}:/usr/bin:/bin`);
    return join(bin, "pulumi");
  };

  test("takes the machine's Pulumi, unless one is built", async () => {
    const own = install("echo v3.999.0");
    expect(await buildTools(["pulumi"], () => undefined)).toEqual({ pulumi: own });
    make("pulumi");
    expect(await buildTools(["pulumi"], () => undefined)).toEqual({ pulumi: toolPath("pulumi") });
  });

  test.each([
    ["is too old", "echo v3.257.9"],
    ["fails", "exit 1"],
    ["says nothing", "true"],
  ])("takes no Pulumi that %s", async (_what, answer) => {
    install(answer);
    expect(await pulumiOnPath()).toBeUndefined();
  });

  test("takes no folder of that name", async () => {
    mkdirSync(join(folder, "path", "pulumi"), { recursive: true });
    vi.stubEnv("PATH", join(folder, "path"));
    expect(await pulumiOnPath()).toBeUndefined();
  });
});

describe("isRecent", () => {
  test.each([
    ["v3.258.0", true],
    ["v3.258.1", true],
    ["v3.260.0", true],
    ["3.1000.0", true],
    ["v3.257.12", false],
    ["v4.0.0", false],
    ["v2.999.0", false],
    ["v3.259.0-alpha.x3f", false],
    ["", false],
    ["v3.258", false],
  ])("%j beside 3.258.0: %s", (version, expected) => {
    expect(isRecent(version, "3.258.0")).toBe(expected);
  });
});

describe("modules of files that are left out", () => {
  const goMod = `module tools

require (
\tacme.example/a v1.0.0
\tacme.example/a/b v1.0.0 // indirect
)

replace (
\tacme.example/c => ./c
)

require (
\tacme.example/d/v2 v2.1.0 // indirect
)
`;

  const leftOut = (path: string): string => {
    const tools = mkdtempSync(join(folder, "tools-"));
    for (const [file, content] of Object.entries({
      "go.mod": goMod,
      [`left-out/${path}`]: "",
      "left-out/aws-s3/go.mod": "",
      "left-out/aws-s3/a.go": "",
    })) {
      mkdirSync(dirname(join(tools, file)), { recursive: true });
      writeFileSync(join(tools, file), content);
    }
    return tools;
  };

  test.each([
    ["acme.example/a/b/c.go", "acme.example/a/b", "c.go"],
    ["acme.example/a/bc/d/c.go", "acme.example/a", "bc/d/c.go"],
    ["acme.example/d/v2/c.go", "acme.example/d/v2", "c.go"],
  ])("of %s is the longest path that go.mod requires: %s", (path, module, file) => {
    const tools = leftOut(path);
    expect(leftOutFiles(tools)).toEqual([{ module, file, by: join(tools, "left-out", path) }]);
  });

  test("must be required", () => {
    expect(() => leftOutFiles(leftOut("acme.example/c/c.go"))).toThrow(
      "left-out/acme.example/c/c.go: go.mod requires no module with this path",
    );
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
