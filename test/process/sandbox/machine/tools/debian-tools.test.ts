import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { outputOf } from "../../../../../core/process.ts";
import { writeExecutables } from "../../../../../sandbox/machine/tools/debian-tools.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "debian tools-test-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, content: string): void {
  const file = join(folder, "made", "root", path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, 0o755);
}

test("an unpacked tool finds its libraries wherever the cache is moved to", async () => {
  for (const tool of ["usr/bin/runc", "usr/sbin/nft", "bin/ip"]) put(tool, `#!/bin/sh\necho "$LD_LIBRARY_PATH" "$@"\n`);
  put("usr/bin/busybox", "");
  put("usr/lib/x86_64-linux-gnu/libseccomp.so.2", "");
  writeExecutables(join(folder, "made"));
  const moved = join(folder, "moved");
  renameSync(join(folder, "made"), moved);
  for (const tool of ["runc", "nft", "ip"])
    expect(await outputOf(join(moved, "bin", tool), ["a b", "c"])).toBe(
      `${moved}/bin/../root/usr/lib/x86_64-linux-gnu a b c\n`,
    );
});
