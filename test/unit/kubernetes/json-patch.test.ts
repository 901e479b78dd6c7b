import { expect, test } from "vitest";
import { applyOperations, operationSchema } from "../../../kubernetes/json-patch.ts";

const object = {
  kind: "Deployment",
  spec: { containers: [{ name: "cart" }, { name: "proxy" }], selector: null, "a/b~c": 1, "": 2 },
};

type Operation = Parameters<typeof applyOperations>[1][number];

/** What the object's `spec` is afterwards, or the problem. */
function outcome(...operations: readonly Operation[]): unknown {
  const before = structuredClone(object);
  const result = applyOperations(
    object,
    operations.map((operation) => operationSchema.parse(operation)),
  );
  expect(object).toEqual(before);
  return "problem" in result ? result.problem : result.object["spec"];
}

const { spec } = object;
const [cart = {}, proxy] = spec.containers;
const added = { name: "added" };

test.each<[what: string, operations: readonly Operation[], after: unknown]>([
  [
    "before the first element",
    [{ op: "add", path: "/spec/containers/0", value: added }],
    { ...spec, containers: [added, cart, proxy] },
  ],
  [
    "after the last, by its number",
    [{ op: "add", path: "/spec/containers/2", value: added }],
    { ...spec, containers: [cart, proxy, added] },
  ],
  [
    "after the last, by -",
    [{ op: "add", path: "/spec/containers/-", value: added }],
    { ...spec, containers: [cart, proxy, added] },
  ],
  [
    "a copy after the last",
    [{ op: "copy", from: "/spec/containers/0", path: "/spec/containers/-" }],
    { ...spec, containers: [cart, proxy, cart] },
  ],
  [
    "a move to the end",
    [{ op: "move", from: "/spec/containers/0", path: "/spec/containers/1" }],
    { ...spec, containers: [proxy, cart] },
  ],
  ["what is null", [{ op: "replace", path: "/spec/selector", value: {} }], { ...spec, selector: {} }],
  ["a key with / and ~", [{ op: "replace", path: "/spec/a~1b~0c", value: 3 }], { ...spec, "a/b~c": 3 }],
  ["a key without characters", [{ op: "replace", path: "/spec/", value: 3 }], { ...spec, "": 3 }],
  [
    "a field that has the name of a list's property, of a map",
    [
      { op: "add", path: "/spec/length", value: 1 },
      { op: "test", path: "/spec/length", value: 1 },
    ],
    { ...spec, length: 1 },
  ],
])("changes %s", (_what, operations, after) => {
  expect(outcome(...operations)).toEqual(after);
});

const nothing = "there is nothing at that path";
const noPlace = (token: string): string => `${token} is no place in the list of 2 there; - is the one after the last`;

test.each<[operation: Operation, problem: string]>([
  [{ op: "replace", path: "/spec/containers/-", value: added }, nothing],
  [{ op: "remove", path: "/spec/containers/-" }, nothing],
  [{ op: "test", path: "/spec/containers/-", value: cart }, nothing],
  [{ op: "replace", path: "/spec/containers/length", value: 1 }, nothing],
  [{ op: "remove", path: "/spec/containers/length" }, nothing],
  [{ op: "test", path: "/spec/containers/length", value: 2 }, nothing],
  [
    { op: "copy", from: "/spec/containers/length", path: "/spec/replicas" },
    "there is nothing at /spec/containers/length",
  ],
  [{ op: "move", from: "/spec/containers/-", path: "/spec/first" }, "there is nothing at /spec/containers/-"],
  [{ op: "add", path: "/spec/containers/length", value: 1 }, noPlace("length")],
  [{ op: "add", path: "/spec/containers/01", value: added }, noPlace("01")],
  [{ op: "add", path: "/spec/containers/-1", value: added }, noPlace("-1")],
  [{ op: "add", path: "/spec/containers/1e0", value: added }, noPlace("1e0")],
  [{ op: "copy", from: "/spec/containers/0", path: "/spec/containers/3" }, noPlace("3")],
  [{ op: "add", path: "/spec/containers/0/name/first", value: "c" }, nothing],
  [{ op: "replace", path: "/spec/containers/0/name/0", value: "C" }, nothing],
  [{ op: "remove", path: "/spec/containers/0/name/0" }, nothing],
  [{ op: "test", path: "/kind/length", value: 10 }, nothing],
  [{ op: "add", path: "/spec/selector/app", value: "cart" }, nothing],
  [{ op: "add", path: "/spec/none/app", value: "cart" }, nothing],
  [{ op: "replace", path: "/spec/toString", value: 1 }, nothing],
  [{ op: "test", path: "/spec/constructor/name", value: "Object" }, nothing],
  [{ op: "add", path: "/spec/__proto__", value: {} }, "no field has that name"],
  [{ op: "replace", path: "", value: {} }, "the object as a whole cannot be changed; name a field, such as /spec"],
  [{ op: "copy", from: "/spec", path: "" }, "the object as a whole cannot be changed; name a field, such as /spec"],
  [{ op: "test", path: "/kind", value: "Service" }, "another value is there"],
])("%j is refused", (operation, problem) => {
  expect(outcome(operation)).toBe(`operation 1 (${operation.op} ${operation.path}): ${problem}`);
});

test("the operation that cannot be made is named by its number, and sees what those before it have done", () => {
  const remove: Operation = { op: "remove", path: "/spec/containers/1" };
  expect(outcome(remove, remove)).toBe(`operation 2 (remove /spec/containers/1): ${nothing}`);
});

test.each(["spec", "/a~2", "/a~"])("the path %j is none", (path) => {
  expect(operationSchema.safeParse({ op: "remove", path }).success).toBe(false);
});
