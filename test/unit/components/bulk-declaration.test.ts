import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import * as pulumi from "@pulumi/pulumi";
import log from "@pulumi/pulumi/log/index.js";
import { afterEach, describe, expect, test, vi } from "vitest";
import { declareInParts, withoutTraces } from "../../../components/bulk-declaration.ts";
import { MockEngine } from "../../support/mock-engine.ts";

const count = 45;
const items = Array.from({ length: count }, (_, index) => `c${String(index).padStart(2, "0")}`);

afterEach(() => void vi.unstubAllEnvs());

/** @returns how many the engine had answered for when each was declared */
async function answeredBefore({ preview, missing = "" }: { preview: boolean; missing?: string }): Promise<number[]> {
  const before: number[] = [];
  await pulumi.runtime.setMocks(new MockEngine(), "p", "s", preview);
  const declared: pulumi.Resource[] = [];
  await declareInParts(items, (name) => {
    before.push(declared.length);
    if (name === missing) return undefined;
    const made = new ConfigMap(name, { metadata: { name } });
    void pulumi.isSecret(made.urn).then(() => declared.push(made));
    return made;
  });
  return before;
}

describe("items are declared", () => {
  test("part by part by a preview, each when the engine has the one before", async () => {
    const before = await answeredBefore({ preview: true });
    expect(before).toHaveLength(count);
    expect(before.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 0));
    expect(new Set(before.slice(20, 40))).toEqual(new Set([20]));
    expect(new Set(before.slice(40))).toEqual(new Set([40]));
  });

  test("all at once by an update, so that none waits for what it does not need", async () => {
    expect(new Set(await answeredBefore({ preview: false }))).toEqual(new Set([0]));
  });

  test("to the last one where some come to nothing", async () => {
    expect(await answeredBefore({ preview: true, missing: "c04" })).toHaveLength(count);
  });
});

describe("resources", () => {
  const limitDuring = (): number => withoutTraces(() => Error.stackTraceLimit);

  test("are made without stack traces, which are there again afterwards", () => {
    const limit = Error.stackTraceLimit;
    expect(limitDuring()).toBe(0);
    expect(Error.stackTraceLimit).toBe(limit);
    const fail = (): never => {
      throw new Error("no");
    };
    expect(() => withoutTraces(fail)).toThrow("no");
    expect(Error.stackTraceLimit).toBe(limit);
  });

  test("have them, and the SDK its debug messages, for those who debug", async () => {
    const { debug } = log;
    vi.stubEnv("DELIVERY_DEBUG", "1");
    expect(limitDuring()).toBe(Error.stackTraceLimit);
    await declareInParts([], () => undefined);
    expect(log.debug).toBe(debug);
    vi.unstubAllEnvs();
    await declareInParts([], () => undefined);
    expect(log.debug).not.toBe(debug);
    Object.assign(log, { debug });
  });
});
