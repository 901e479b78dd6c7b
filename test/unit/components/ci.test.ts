import { expect, test } from "vitest";
import { declareCi } from "../../../components/ci.ts";
import { ciArgs } from "../../../stacks/stage-args.ts";
import { openMockEngine } from "../../support/mock-engine.ts";
import { loadSampleConfig } from "../../support/sample-config.ts";
import { sampleTektonCi } from "../../support/sample-tekton-ci.ts";

test("a stack says of CircleCI where its project and its credentials are", async () => {
  const args = ciArgs(await loadSampleConfig(), [], []);
  expect(Object.keys(declareCi("shop", args))).toEqual(["ciProject", "ciContext"]);
});

test("of another engine it has no output at all, not even an empty one", async () => {
  await openMockEngine("dev", { values: {}, secretKeys: [] });
  expect(Object.keys(declareCi("shop", { engine: "tekton", cluster: sampleTektonCi }))).toEqual([]);
  expect(Object.keys(declareCi("shop", { engine: "travis" }))).toEqual([]);
});
