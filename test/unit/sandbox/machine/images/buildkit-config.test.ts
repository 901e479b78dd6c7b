import { describe, expect, test } from "vitest";
import { buildkitConfig } from "../../../../../sandbox/machine/images/buildkit-config.ts";

const values = {
  root: "/cache/buildkit-0",
  socket: '/state/a "quoted" name/buildkitd.sock',
  runc: "/cache/runc",
  rootless: false,
  cgroup: "delivery-sandbox-build-1a2b3c4d",
  mirror: "127.0.0.1:5002",
  registry: "localhost:5001",
  mirrored: ["docker.io", "gcr.io"],
};

describe("buildkitConfig", () => {
  test("replaces Docker Hub by the mirror and speaks plain HTTP to the local registries", () => {
    const config = buildkitConfig(values);
    expect(config).toContain('[registry."docker.io"]\n  mirrors = ["127.0.0.1:5002"]');
    for (const host of ["127.0.0.1:5002", "localhost:5001"])
      expect(config).toContain(`[registry."${host}"]\n  http = true`);
  });

  test("asks the mirror first for registries of which users have provided images", () => {
    const config = buildkitConfig(values);
    expect(config).toContain('[registry."gcr.io"]\n  mirrors = ["127.0.0.1:5002/gcr.io"]');
    expect(config.match(/\[registry\."docker\.io"\]/g)).toHaveLength(1);
  });

  test("keeps to its own folder and control group", () => {
    const config = buildkitConfig(values);
    expect(config).toContain('address = ["unix:///state/a \\"quoted\\" name/buildkitd.sock"]');
    expect(config).toContain('socketPath = "/state/a \\"quoted\\" name/otel.sock"');
    expect(config).toContain('defaultCgroupParent = "delivery-sandbox-build-1a2b3c4d"');
  });

  test("asks for neither control groups nor overlays without root", () => {
    const config = buildkitConfig({ ...values, rootless: true });
    expect(config).not.toContain("defaultCgroupParent");
    expect(config).toContain('snapshotter = "native"');
    expect(config).toContain("rootless = true");
  });
});
