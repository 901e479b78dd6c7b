import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { secretsSchema } from "../../stacks/schema.ts";
import { loadSampleConfig as load } from "../sample-config.ts";

async function plainValue(output: pulumi.Output<string> | undefined): Promise<string> {
  if (output === undefined) throw new Error("no output");
  expect(await pulumi.isSecret(output)).toBe(true);
  return new Promise((resolve) => void output.apply(resolve));
}

describe("the secrets of a stack", () => {
  test("are secret outputs", async () => {
    const config = await load({ kubeconfig: "hunter4", secrets: { token: "hunter5", "db-password": "hunter6" } });
    expect(await plainValue(config.registry.password)).toBe("hunter2");
    expect(await plainValue(config.circleciToken)).toBe("hunter3");
    expect(await plainValue(config.kubeconfig)).toBe("hunter4");
    expect([...config.secrets.keys()]).toEqual(["token", "db-password"]);
    expect(await plainValue(config.secrets.get("token"))).toBe("hunter5");
    expect(await plainValue(config.secrets.get("db-password"))).toBe("hunter6");
  });

  test("of every kind the schema knows stand in no plain setting", async () => {
    const { secrets: _, ...texts } = secretsSchema.shape;
    const { registry, secrets, ...others } = await load({
      ...Object.fromEntries(Object.keys(texts).map((key) => [key, `hunter-${key}`])),
      secrets: { token: "hunter-token" },
    });
    const values = [...Object.values(registry), ...secrets.values(), ...Object.values(others)];
    const outputs = values.filter((value) => pulumi.Output.isInstance(value));
    expect(outputs).toHaveLength(Object.keys(texts).length + 1);
    for (const output of outputs) expect(await pulumi.isSecret(output)).toBe(true);
    expect(JSON.stringify(values.filter((value) => !pulumi.Output.isInstance(value)))).not.toContain("hunter");
  });

  test.each([
    ["looks like a number", "1234"],
    ["looks like a list", "[not, json"],
    ["is a key file in JSON, as some registries have it", '{"type":"service_account"}'],
    ["spans lines", "line 1\nline 2\n"],
  ])("a password that %s stays what it is", async (_what, value) => {
    expect(await plainValue((await load({ registryPassword: value })).registry.password)).toBe(value);
    expect(await plainValue((await load({ circleciToken: value })).circleciToken)).toBe(value);
    expect(await plainValue((await load({ kubeconfig: value })).kubeconfig)).toBe(value);
  });

  test("that are wrong are refused without being shown", async () => {
    await expect(load({ secrets: { pin: 1234 } })).rejects.toThrow(/secrets\.pin: "\[secret\]": must be a string/);
    await expect(load({ secrets: { pin: 1234 } })).rejects.not.toThrow("1234");
  });
});
