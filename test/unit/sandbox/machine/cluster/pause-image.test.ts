import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  pauseExecutable,
  pauseImageArchive,
  pauseImageName,
} from "../../../../../sandbox/machine/cluster/pause-image.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pause-test-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test.runIf(process.platform === "linux" && ["x64", "arm64"].includes(process.arch))(
  "the executable waits without using the processor",
  async () => {
    const path = join(folder, "pause");
    writeFileSync(path, pauseExecutable(process.arch === "x64" ? "amd64" : "arm64"), { mode: 0o755 });
    const child = spawn(path);
    await once(child, "spawn");
    await sleep(100);
    const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(" ");
    expect({ state: stat[2], userTicks: stat[13], systemTicks: stat[14] }).toEqual({
      state: "S",
      userTicks: "0",
      systemTicks: "0",
    });
    child.kill();
    await once(child, "exit");
  },
);

describe("the archive", () => {
  test("is one that containerd imports: name, platform, layer and its digest are right", async () => {
    const path = join(folder, "pause.tar");
    writeFileSync(path, await pauseImageArchive("arm64"));
    execFileSync("tar", ["-xf", path, "-C", folder]);
    const read = (name: string): Buffer => readFileSync(join(folder, name));
    const manifest: unknown = JSON.parse(read("manifest.json").toString());
    expect(manifest).toEqual([{ Config: "config.json", RepoTags: [pauseImageName], Layers: ["layer.tar"] }]);
    const layer = read("layer.tar");
    const config: unknown = JSON.parse(read("config.json").toString());
    expect(config).toEqual({
      architecture: "arm64",
      os: "linux",
      config: { Entrypoint: ["/pause"], User: "65535:65535" },
      rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
    });
    expect(execFileSync("tar", ["-tvf", "-"], { input: layer }).toString()).toMatch(/^-rwxr-xr-x 0\/0 .* pause\n$/);
  });

  test("is the same every time", async () => {
    expect(await pauseImageArchive("x64")).toEqual(await pauseImageArchive("x64"));
  });

  test("is refused for a processor that it has no instructions for", async () => {
    await expect(pauseImageArchive("riscv64")).rejects.toThrow(
      /architecture "riscv64": pods run on x64 and arm64 only/,
    );
  });
});
