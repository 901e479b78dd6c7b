import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SecretGenerations } from "../../../../components/cluster/secret-generations.ts";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import { openStack } from "../../../../sandbox/engine/open-stack.ts";
import { buildTools } from "../../../../sandbox/machine/tools/go-tools.ts";

type Values = Record<string, Record<string, string>>;

/** On the real engine: what a preview knows, and what the state keeps, is its business. The tests build on each other. */
describe("the generations of secrets", { timeout: 180_000 }, () => {
  const directory = temporaryDirectory("secret-generations-");
  afterAll(() => directory[Symbol.dispose]());

  const first: Values = { cart: { KEY: "cart-key-1" }, catalog: { KEY: "catalog-key-1" } };
  const second: Values = { ...first, cart: { KEY: "cart-key-22" } };
  const run: { stack?: Stack; values: Values; known: unknown } = { values: first, known: undefined };

  beforeAll(async () => {
    const { pulumi: cli } = await buildTools(["pulumi"], () => undefined);
    run.stack = await openStack({
      directory: join(directory.path, "engine"),
      pulumi: cli,
      project: "delivery",
      stack: "dev",
      program: async () => {
        const values = Object.entries(run.values).map(([name, variables]) => {
          const secret = Object.entries(variables).map(
            ([variable, value]) => [variable, pulumi.secret(value)] as const,
          );
          return [name, Object.fromEntries(secret)] as const;
        });
        const { generations } = new SecretGenerations("shop", { values: Object.fromEntries(values) });
        return { generations: generations.apply((all) => (run.known = all)) };
      },
      settings: {},
      secrets: {},
      providers: [],
    });
  }, 1_800_000);

  /** What happens to the resource, what the program gets to know, and what is printed. */
  async function operate(operation: "preview" | "up" | "refresh", values: Values) {
    Object.assign(run, { values, known: undefined });
    const seen = new Set<string>();
    const printed: string[] = [];
    await run.stack?.[operation]({
      onOutput: (text: string) => void printed.push(text),
      onEvent: ({ resOutputsEvent, resourcePreEvent }: EngineEvent) => {
        const { op = "same", type = "" } = (resOutputsEvent ?? resourcePreEvent)?.metadata ?? {};
        if (type.endsWith(":SecretGenerations") && !["same", "refresh"].includes(op)) seen.add(op);
      },
      ...(operation === "preview" ? { diff: true } : {}),
    });
    expect(printed.join("")).not.toMatch(/cart-key-\d/);
    return { steps: [...seen], known: run.known, printed: printed.join("") };
  }

  test("are known to the first preview and the first update", async () => {
    const known = { cart: 1, catalog: 1 };
    expect(await operate("preview", first)).toMatchObject({ steps: ["create"], known });
    expect(await operate("up", first)).toMatchObject({ steps: ["create"], known });
  });

  test("stay where no value changes, after a refresh, too", async () => {
    const unchanged = { steps: [], known: { cart: 1, catalog: 1 } };
    expect(await operate("up", first)).toMatchObject(unchanged);
    expect(await operate("refresh", first)).toMatchObject({ steps: [] });
    expect(await operate("up", first)).toMatchObject(unchanged);
  });

  test("rise with a value: the preview names whose, and knows the number", async () => {
    const changed = { steps: ["update"], known: { cart: 2, catalog: 1 } };
    const preview = await operate("preview", second);
    expect(preview).toMatchObject(changed);
    expect(preview.printed).toMatch(/~ cart +: 1 => 2/);
    expect(await operate("up", second)).toMatchObject(changed);
    expect(await operate("up", second)).toMatchObject({ ...changed, steps: [] });
  });

  test("are in the state, and the values are not", () => {
    const files = globSync("**/*.json", { cwd: join(directory.path, "engine/state/.pulumi") });
    const texts = files.map((file) => readFileSync(join(directory.path, "engine/state/.pulumi", file), "utf8"));
    expect(texts.join("")).toContain('"cart":2');
    expect(texts.join("")).not.toMatch(/cart-key-\d/);
  });
});
