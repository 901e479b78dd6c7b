import { Hono } from "hono";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { inTransaction, StateStore } from "../../../../sandbox/stand-ins/state-store.ts";

interface Names {
  readonly version: 1;
  names: string[];
}

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "state-store-"));
  file = join(directory, "state.json");
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (): StateStore<Names> =>
  new StateStore({ file, initial: { version: 1, names: [] }, owner: "stand-in", withoutFile: "without names" });
const namesInFile = (): unknown => JSON.parse(readFileSync(file, "utf8")).names;

test("a change is in the file when it is answered, and found again", async () => {
  const answer = await open().transaction((state) => state.names.push("one"));
  expect([answer, namesInFile()]).toEqual([1, ["one"]]);
  expect(open().state.names).toEqual(["one"]);
});

test("a change that fails is undone, and the next one is made", async () => {
  const store = open();
  const failed = store.transaction(async (state) => {
    state.names.push("lost");
    await Promise.resolve();
    throw new Error("no");
  });
  const made = store.transaction((state) => state.names.push("kept"));
  await expect(failed).rejects.toThrow("no");
  await made;
  expect([store.state.names, namesInFile()]).toEqual([["kept"], ["kept"]]);
});

test.each([
  ["{", "is not the state of the stand-in (SyntaxError"],
  ["{}", "the stand-in reads state of version 1, not undefined; move the file away to start without names"],
])("the file %j is refused", (content, message) => {
  writeFileSync(file, content);
  expect(open).toThrow(message);
});

test("a request that is refused leaves no change, and is answered once", async () => {
  const store = open();
  const errors: string[] = [];
  const app = new Hono<{ Variables: { state: Names } }>();
  app.use(inTransaction(store));
  app.post("/:name", async (c) => {
    c.var.state.names.push(c.req.param("name"));
    // Another request may come in the middle.
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (c.req.param("name") === "wrong") throw new Error("refused");
    return c.text("made", 201);
  });
  app.onError((error, c) => {
    errors.push(error.message);
    return c.text(error.message, 400);
  });
  const answers = await Promise.all(
    ["one", "wrong", "two"].map(async (name) => (await app.request(`/${name}`, { method: "POST" })).status),
  );
  expect(answers).toEqual([201, 400, 201]);
  expect(errors).toEqual(["refused"]);
  expect(namesInFile()).toEqual(["one", "two"]);
});

test("a change that cannot be written is no success", async () => {
  const store = open();
  rmSync(directory, { recursive: true });
  writeFileSync(directory, "");
  const app = new Hono<{ Variables: { state: Names } }>();
  app.use(inTransaction(store));
  app.post("/", (c) => c.json(c.var.state.names.push("lost")));
  app.onError((_error, c) => c.text("failed", 500));
  expect((await app.request("/", { method: "POST" })).status).toBe(500);
  expect(store.state.names).toEqual([]);
});
