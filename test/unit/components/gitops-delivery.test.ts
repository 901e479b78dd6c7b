import { expect, test } from "vitest";
import { asProgramConfig, readStackFile } from "../../../stacks/stack-file.ts";
import { stackSecrets } from "../../support/declared-stack.ts";
import { hideSecrets, openMockEngine, recordRegistrations, runProgram } from "../../support/mock-engine.ts";
import { sampleGpgKey } from "../../support/sample-keys.ts";
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

test("keys that sign are demanded by Argo CD, and the private one is a secret wherever it goes", async () => {
  const privateKey = "value-of-signing-key";
  const given = {
    ...stackSecrets,
    secrets: { ...stackSecrets.secrets, "signing-key": privateKey, "preview-key": "-" },
  };
  const secrets = Object.fromEntries(Object.entries(given).map(([key, value]) => [`delivery:${key}`, value]));
  const settings = withSampleRelease(readStackFile("dev"));
  const signing = { secret: "signing-key", keys: { dev: sampleGpgKey.text }, previews: "preview-key" };
  const engine = await openMockEngine("dev", {
    values: asProgramConfig({
      ...settings,
      "delivery:gitops": { ...Object(settings["delivery:gitops"]), signing },
      ...secrets,
    }),
    secretKeys: Object.keys(secrets),
  });
  await runProgram();
  const resources = await engine.resources();
  const find = (end: string) => Object.entries(resources).find(([urn]) => urn.endsWith(end))?.[1];
  const id = sampleGpgKey.fingerprint.slice(-16);
  const policy = { gpg: { mode: "head", keys: [id] } };
  for (const project of ["delinkcious-dev", "delinkcious-previews"])
    expect(find(`:AppProject::${project}`)).toMatchObject({
      spec: { sourceIntegrity: { git: { policies: [policy] } } },
    });
  expect(find("argocd/argocd-gpg-keys-cm")).toMatchObject({ data: { [id]: sampleGpgKey.text } });
  const shown = hideSecrets(resources);
  expect(Object(hideSecrets(find("GitManifests::delinkcious")))).toMatchObject({
    signing: { keys: { dev: sampleGpgKey.text }, others: {} },
    signingKey: "[secret]",
  });
  for (const text of [privateKey, Buffer.from(privateKey).toString("base64")])
    expect(JSON.stringify(shown)).not.toContain(text);
});
