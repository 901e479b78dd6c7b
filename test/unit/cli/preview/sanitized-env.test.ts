import { expect, test } from "vitest";
import { sanitizedEnv } from "../../../../cli/preview/sanitized-env.ts";

test("a preview without credentials keeps how programs are found, and nothing that could be a credential, until it is over", () => {
  const before = { ...process.env };
  const set = {
    PATH: "/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin:/usr/bin",
    HTTPS_PROXY: "http://user:canary@proxy:3128",
    HTTP_PROXY: "http://proxy:3128",
    NODE_USE_ENV_PROXY: "1",
    DELIVERY_GITHUB_TOKEN: "canary",
    KUBECONFIG: "/home/someone/canary",
  };
  Object.assign(process.env, set);
  try {
    {
      using _sanitized = sanitizedEnv(undefined);
      expect(process.env).toMatchObject({ PATH: set.PATH, HTTP_PROXY: set.HTTP_PROXY, NODE_USE_ENV_PROXY: "1" });
      expect(JSON.stringify(process.env)).not.toContain("canary");
    }
    expect(process.env).toMatchObject(set);
  } finally {
    for (const name of Object.keys(set)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
  }
});
