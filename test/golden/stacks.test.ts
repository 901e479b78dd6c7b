import { expect, test } from "vitest";
import { stringify } from "yaml";
import { asProgramConfig, readStackFile } from "../../stacks/stack-file.ts";
import { withSampleRelease } from "../support/sample-release.ts";
import { hideSecrets, openMockEngine, runProgram } from "../support/mock-engine.ts";

/** What the stack's owner would have set with `pulumi config set --secret`. */
const secretValue = "a-secret-that-must-never-show";
const names = [
  "link-db-password",
  "user-db-password",
  "social-graph-db-password",
  "token-secret",
  "deploy-token",
  "previews-token",
  "pull-token",
  "github-token",
  "pulumi-passphrase",
  "pulumi-backend",
  "registry-user",
  "registry-password",
];
const secrets = {
  "delivery:registryPassword": secretValue,
  "delivery:circleciToken": secretValue,
  "delivery:kubeconfig": secretValue,
  "delivery:gitToken": secretValue,
  "delivery:githubToken": secretValue,
  "delivery:secrets": JSON.stringify(Object.fromEntries(names.map((name) => [name, secretValue]))),
};

test.each(["sandbox", "dev", "staging", "prod"])(
  "the %s stack declares what its golden file says",
  async (stack) => {
    const engine = await openMockEngine(stack, {
      values: { ...asProgramConfig(withSampleRelease(readStackFile(stack))), ...secrets },
      secretKeys: Object.keys(secrets),
    });
    await runProgram();
    const declared = stringify(hideSecrets(await engine.resources()), { lineWidth: 0, sortMapEntries: true });

    expect(declared).not.toContain(secretValue);
    await expect(declared).toMatchFileSnapshot(`${stack}.yaml`);
    // The first one loads the whole program.
  },
  30_000,
);
