import { expect, test } from "vitest";
import { claimChangeProblems } from "../../../../components/deploy-repository/claim-changes.ts";
import { serviceFiles } from "../../../../components/manifests/manifest-files.ts";
import { serviceManifests } from "../../../../components/manifests/manifests.ts";
import type { Volume } from "../../../../components/service/volumes.ts";
import { sampleContext, sampleService } from "../../../support/sample-shop.ts";

function files(volume: Partial<Volume>, replicas = 1): Record<string, string> {
  const service = sampleService("store", { replicas, volumes: { data: { path: "/data", size: "2Gi", ...volume } } });
  return serviceFiles(serviceManifests(sampleContext([service]), service, { image: "i" }));
}

test.each<[what: string, before: Partial<Volume>, after: Partial<Volume>, problem: RegExp | undefined]>([
  ["nothing", {}, {}, undefined],
  ["its size, upwards", {}, { size: "3Gi" }, undefined],
  ["the unit of its size", {}, { size: "2048Mi" }, undefined],
  ["its size, downwards", {}, { size: "500Mi" }, /cannot shrink, and this one would from 2Gi to 500Mi: put it back/],
  ["its size, downwards by a unit", { size: "1Ti" }, {}, /from 1Ti to 2Gi/],
  ["who may write it", {}, { accessMode: "ReadWriteMany" }, /the accessMode of a volume that is there cannot change/],
  ["its class", {}, { storageClass: "fast" }, /the storageClass of a volume that is there cannot change/],
  ["where it is", {}, { path: "/other" }, undefined],
  ["whose it is", {}, { perPod: true }, undefined],
  ["its size, of single pods", { perPod: true }, { perPod: true, size: "3Gi" }, /volumes of single pods cannot change/],
  ["where it is, of single pods", { perPod: true }, { perPod: true, path: "/other" }, undefined],
])("of a volume that is there, %s is changed", (_what, before, after, problem) => {
  const found = claimChangeProblems(files(before), files(after));
  expect(found).toHaveLength(problem === undefined ? 0 : 1);
  for (const message of found) expect(message).toMatch(problem ?? "");
});

test("a StatefulSet may have another number of pods, and what is not known yet is judged later", () => {
  expect(claimChangeProblems(files({ perPod: true }), files({ perPod: true }, 3))).toEqual([]);
  expect(claimChangeProblems("04da6b54", files({}))).toEqual([]);
  expect(claimChangeProblems(files({}), undefined)).toEqual([]);
});
