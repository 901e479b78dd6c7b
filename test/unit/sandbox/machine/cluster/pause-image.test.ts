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
  test("is an OCI layout whose digests and sizes are right", () => {
    const path = join(folder, "pause.tar");
    writeFileSync(path, pauseImageArchive("arm64"));
    execFileSync("tar", ["-xf", path, "-C", folder]);
    const index: Index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
    expect(index.manifests[0]).toMatchObject({
      platform: { architecture: "arm64", os: "linux" },
      annotations: { "io.containerd.image.name": pauseImageName },
    });
    const manifest: Manifest = JSON.parse(blob(index.manifests[0]).toString());
    const config: Config = JSON.parse(blob(manifest.config).toString());
    const layer = blob(manifest.layers[0]);
    expect(config.rootfs.diff_ids).toEqual([`sha256:${createHash("sha256").update(layer).digest("hex")}`]);
    expect(config.config.Entrypoint).toEqual(["/pause"]);
    expect(execFileSync("tar", ["-tvf", "-"], { input: layer }).toString()).toMatch(/^-rwxr-xr-x .* pause\n$/);
  });

  test("is the same every time", () => {
    expect(pauseImageArchive("x64")).toEqual(pauseImageArchive("x64"));
  });

  test("is refused for a processor that it has no instructions for", () => {
    expect(() => pauseImageArchive("riscv64")).toThrow(/architecture "riscv64": pods run on x64 and arm64 only/);
  });
});

interface Descriptor {
  digest: string;
  size: number;
}
interface Index {
  manifests: Descriptor[];
}
interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}
interface Config {
  config: { Entrypoint: string[] };
  rootfs: { diff_ids: string[] };
}

function blob(descriptor: Descriptor | undefined): Buffer {
  const [algorithm = "", hex = ""] = descriptor?.digest.split(":") ?? [];
  const content = readFileSync(join(folder, "blobs", algorithm, hex));
  expect(createHash(algorithm).update(content).digest("hex")).toBe(hex);
  expect(content.length).toBe(descriptor?.size);
  return content;
}
