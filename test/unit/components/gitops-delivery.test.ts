import { expect, test } from "vitest";
import { asProgramConfig, readStackFile } from "../../../stacks/stack-file.ts";
import { stackSecrets } from "../../support/declared-stack.ts";
import { openMockEngine, recordRegistrations, runProgram } from "../../support/mock-engine.ts";
import { withSampleRelease } from "../../support/sample-release.ts";

test("an Application is waited for as much longer as its service may take to start", async () => {
  const secrets = Object.fromEntries(Object.entries(stackSecrets).map(([key, value]) => [`delivery:${key}`, value]));
  const slow = { link: { probes: { startup: { seconds: 600 } } } };
  const engine = await openMockEngine("dev", {
    values: asProgramConfig({ ...withSampleRelease(readStackFile("dev")), "delivery:services": slow, ...secrets }),
    secretKeys: Object.keys(secrets),
  });
  const registrations = recordRegistrations();
  await runProgram();
  await engine.resources();
  const timeoutOf = (service: string) =>
    registrations.get(`kubernetes:argoproj.io/v1alpha1:Application::${service}`)?.createTimeout;
  expect([timeoutOf("link"), timeoutOf("user")]).toEqual(["14m", "5m"]);
});
