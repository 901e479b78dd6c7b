import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseCiEngine, ciEngine, withCiEngine } from "../../../../sandbox/machine/ci-engine.ts";

let stateDir: string;
beforeEach(() => void (stateDir = mkdtempSync(join(tmpdir(), "ci-engine-"))));
afterEach(() => rmSync(stateDir, { recursive: true }));

const settings = {
  "delivery:ci": {
    organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10",
    host: "http://localhost:8100/api/v2",
    repositoryId: "1",
    image: "cimg/go:1.26-node",
    environment: { DELIVERY_GIT_TOKEN: "deploy-token" },
    contexts: { read: { DELIVERY_GITHUB_TOKEN: "github-token" }, previews: {} },
  },
  "delivery:github": { repository: "acme/shop" },
};

test("what runs the pipeline is chosen once, and stays", () => {
  expect(ciEngine(stateDir)).toBe("circleci");
  expect(chooseCiEngine(stateDir, "tekton", false)).toBe("tekton");
  expect(chooseCiEngine(stateDir, undefined, true)).toBe("tekton");
  expect(chooseCiEngine(stateDir, "tekton", true)).toBe("tekton");
  expect(() => chooseCiEngine(stateDir, "circleci", true)).toThrow(
    "--ci circleci: this sandbox runs tekton; `npm run down` ends it, then run this again",
  );
});

test("the stack file is the same for both, but for what only one of them has", () => {
  expect(withCiEngine(stateDir, settings)).toBe(settings);
  chooseCiEngine(stateDir, "tekton", false);
  const { image, environment } = settings["delivery:ci"];
  const builder = { BUILDKIT_HOST: "buildkit-host" };
  expect(withCiEngine(stateDir, settings)).toEqual({
    "delivery:ci": {
      engine: "tekton",
      image,
      environment,
      contexts: {
        build: builder,
        read: { DELIVERY_GITHUB_TOKEN: "github-token", ...builder },
        previews: builder,
      },
    },
    "delivery:github": { repository: "acme/shop", branch: "main" },
  });
});
