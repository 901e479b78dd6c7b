import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { toolsOnPath } from "../../../../../sandbox/machine/tools/debian-tools.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "path-tools-test-"));
  vi.stubEnv("PATH", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function put(name: string, content: string, mode = 0o755): void {
  writeFileSync(join(folder, name), content);
  chmodSync(join(folder, name), mode);
}

test("takes executables of PATH", () => {
  put("containerd", "");
  put("runc", "");
  expect(toolsOnPath(new Error("no apt")).tools).toMatchObject({
    containerd: join(folder, "containerd"),
    runc: join(folder, "runc"),
  });
});

test("names what is missing, and why", () => {
  put("containerd", "", 0o644);
  const { tools, reason } = toolsOnPath(new Error("Command failed: apt-get update\nE: Could not resolve host\n"));
  expect(tools.containerd).toBeUndefined();
  expect(reason).toMatch(/^containerd, .*busybox missing: .*\(E: Could not resolve host\)$/);
});

test("takes no busybox that needs libraries: images have none", () => {
  put("busybox", "\u007fELF … /lib64/ld-linux-x86-64.so.2 …");
  expect(toolsOnPath(new Error("no apt")).tools.busybox).toBeUndefined();
  put("busybox", "\u007fELF …");
  expect(toolsOnPath(new Error("no apt")).tools.busybox).toBe(join(folder, "busybox"));
});
