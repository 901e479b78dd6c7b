import { expect, test } from "vitest";
import type { KubernetesObject } from "../../../../../kubernetes/object.ts";
import { missingCopies } from "../../../../../sandbox/machine/argocd/secret-replicator.ts";

const original: KubernetesObject = {
  metadata: {
    name: "registry-credentials",
    namespace: "shop-dev",
    resourceVersion: "41",
    annotations: { "replicator.v1.mittwald.de/replicate-to": "shop-pr-[0-9]+, tools" },
  },
  type: "kubernetes.io/dockerconfigjson",
  data: { ".dockerconfigjson": "e30K" },
};
const namespace = (name: string, metadata = {}): KubernetesObject => ({ metadata: { name, ...metadata } });
const copy = (location: string, from: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name: "registry-credentials",
    namespace: location,
    annotations: { "replicator.v1.mittwald.de/replicated-from-version": from },
  },
  type: "kubernetes.io/dockerconfigjson",
  data: { ".dockerconfigjson": "e30K" },
});

test("a Secret is copied to the namespaces that its annotation matches in full", () => {
  const namespaces = ["shop-dev", "shop-pr-7", "shop-pr-7x", "other-shop-pr-7", "tools"].map((name) => namespace(name));
  expect(missingCopies([original], namespaces)).toEqual([copy("shop-pr-7", "41"), copy("tools", "41")]);
});

test("a copy is made anew only when the original has changed", () => {
  const namespaces = [namespace("shop-pr-7")];
  expect(missingCopies([original, copy("shop-pr-7", "41")], namespaces)).toEqual([]);
  expect(missingCopies([original, copy("shop-pr-7", "40")], namespaces)).toEqual([copy("shop-pr-7", "41")]);
});

test("a namespace that goes gets nothing, and neither does anything without the annotation", () => {
  const going = namespace("shop-pr-7", { deletionTimestamp: "2026-01-01T00:00:00Z" });
  expect(missingCopies([original], [going])).toEqual([]);
  expect(missingCopies([copy("shop-dev", "1")], [namespace("shop-pr-7")])).toEqual([]);
});
