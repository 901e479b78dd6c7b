import { expect, test } from "vitest";
import { ciAddress } from "../../../../sandbox/commands/status.ts";
import { circleCiEndpoint, type SandboxEndpoints } from "../../../../sandbox/machine/endpoints.ts";

const common: SandboxEndpoints = { registryHost: "localhost:5001", kubeconfigPath: "/nowhere" };
const circleci = { url: "http://localhost:8100/api/v2", organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" };

test("what runs the pipeline is where a sandbox says", () => {
  expect(circleCiEndpoint({ ...common, circleci })).toBe(circleci);
  expect(ciAddress({ ...common, circleci })).toBe(`CircleCI API   ${circleci.url}`);
});

test("a sandbox whose pipeline Tekton runs has no CircleCI, and says so", () => {
  const byTekton = { ...common, pipelinesAsCode: "http://127.0.0.1:8110" };
  expect(ciAddress(byTekton)).toBe("Tekton         on the cluster; its runs start at http://127.0.0.1:8110");
  expect(() => circleCiEndpoint(byTekton)).toThrow("Tekton runs this sandbox's pipeline, and CircleCI is asked");
});
