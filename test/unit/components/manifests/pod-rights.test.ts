import { describe, expect, test } from "vitest";
import { looseSettings, withRestrictedDefaults } from "../../../../components/manifests/pod-rights.ts";
import type { PodSecurity } from "../../../../components/manifests/pod-security.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { violations, type Pod } from "../../../support/pod-security.ts";

const bare: JsonMap = { containers: [{ name: "a", image: "a" }] };
const asPod = (spec: JsonMap): Pod => ({ spec: spec as unknown as Pod["spec"] });

describe("what a pod does not say of its security", () => {
  test("is what `restricted` asks for, of all containers", () => {
    const spec = withRestrictedDefaults({ ...bare, initContainers: [{ name: "i", image: "i" }] });
    expect(violations(asPod(spec))).toEqual([]);
    expect(looseSettings(spec)).toEqual({ level: "restricted", settings: [] });
  });
  test("leaves what it says as it is", () => {
    const securityContext = { runAsNonRoot: false, runAsUser: 0 };
    expect(withRestrictedDefaults({ ...bare, securityContext })["securityContext"]).toMatchObject(securityContext);
  });
  test("makes nothing of a container with all rights that Kubernetes would refuse", () =>
    expect(
      withRestrictedDefaults({ containers: [{ name: "a", securityContext: { privileged: true } }] }),
    ).toMatchObject({
      containers: [{ securityContext: { privileged: true } }],
    }));
});

const withContext = (securityContext: JsonMap): JsonMap => ({
  containers: [{ name: "a", image: "a", securityContext }],
});

describe("a pod that asks for more", () => {
  test.each<[asks: string, spec: JsonMap, level: PodSecurity]>([
    ["runAsNonRoot of a", { ...bare, securityContext: { runAsNonRoot: false } }, "baseline"],
    ["runAsUser 0", { ...bare, securityContext: { runAsUser: 0 } }, "baseline"],
    ["runAsUser 0 of a", withContext({ runAsUser: 0 }), "baseline"],
    ["allowPrivilegeEscalation of a", withContext({ allowPrivilegeEscalation: true }), "baseline"],
    ["capabilities of a", withContext({ capabilities: { add: ["CHOWN"] } }), "baseline"],
    ["capabilities of a", withContext({ capabilities: { drop: ["NET_RAW"] } }), "baseline"],
    ["nfs of volume v", { ...bare, volumes: [{ name: "v", nfs: { server: "s", path: "/" } }] }, "baseline"],
    ["capabilities.add of a", withContext({ capabilities: { add: ["SYS_ADMIN"] } }), "privileged"],
    ["privileged of a", withContext({ privileged: true }), "privileged"],
    ["hostPath of volume v", { ...bare, volumes: [{ name: "v", hostPath: { path: "/" } }] }, "privileged"],
    ["hostNetwork", { ...bare, hostNetwork: true }, "privileged"],
    ["hostPort of a", { containers: [{ name: "a", ports: [{ containerPort: 1, hostPort: 1 }] }] }, "privileged"],
    ["seccompProfile", { ...bare, securityContext: { seccompProfile: { type: "Unconfined" } } }, "privileged"],
    ["procMount of a", withContext({ procMount: "Unmasked" }), "privileged"],
    [
      "sysctl kernel.msgmax",
      { ...bare, securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } },
      "privileged",
    ],
  ])("by %s needs a profile that lets it", (asks, spec, level) => {
    const found = looseSettings(withRestrictedDefaults(spec));
    expect(found.level).toBe(level);
    expect(found.settings).toContain(asks);
    expect(violations(asPod(withRestrictedDefaults(spec)))).not.toEqual([]);
  });

  test("may do what `restricted` allows: to listen at a low port", () =>
    expect(
      looseSettings(withRestrictedDefaults(withContext({ capabilities: { add: ["NET_BIND_SERVICE"] } }))).level,
    ).toBe("restricted"));
});
