import { expect, test } from "vitest";
import { portsSetting } from "../../../../cli/init/port-names.ts";
import { portsSchema } from "../../../../components/service/ports.ts";
import { parseYaml } from "../../../../core/yaml.ts";

test.each<[expose: string, setting: string | undefined]>([
  ["", undefined],
  ["8080", undefined],
  ["8080/tcp", undefined],
  ["8080 8080", undefined],
  ["8080 9090", "ports: { http: 8080, tcp-9090: 9090 }"],
  ["50051 8080", "ports: { grpc: { port: 50051, protocol: gRPC }, http: 8080 }"],
  ["443 8080 8443", "ports: { https: 443, http: 8080, tcp-8443: 8443 }"],
  ["53/udp", "ports: { dns: { port: 53, protocol: UDP } }"],
  ["53 53/udp", "ports: { dns: 53, udp-53: { port: 53, protocol: UDP } }"],
  ["8080 5005 2222", "ports: { http: 8080, debug: 5005, tcp-2222: 2222 }"],
])("EXPOSE %s is %s", (expose, setting) => {
  const text = expose === "" ? "FROM a\n" : `FROM a\nEXPOSE ${expose}\n`;
  const found = portsSetting({ dockerfile: "docker/web.Dockerfile", target: undefined, buildArgs: undefined }, text);
  expect(found?.text).toBe(setting);
  const parsed = parseYaml(found?.text ?? "ports: { a: 1 }") as { value: { ports: unknown } };
  expect(portsSchema.safeParse(parsed.value.ports).success).toBe(true);
});
