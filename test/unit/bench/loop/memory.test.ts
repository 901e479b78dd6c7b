import { expect, test } from "vitest";
import { engineMemory } from "../../../../bench/loop/memory.ts";

const process = (name: string, mebibytes: number, running = true) => ({
  name,
  running,
  residentBytes: mebibytes * 2 ** 20,
});
const sandbox = [process("etcd", 90), process("tekton-controller", 80), process("tekton-webhook", 60)];

test("the memory of an engine is that of its own processes, by their names", () => {
  expect(engineMemory("tekton", [...sandbox, process("pipelines-as-code", 70)])).toEqual({
    "tekton-controller": 80,
    "tekton-webhook": 60,
    "pipelines-as-code": 70,
  });
  expect(engineMemory("circleci", [process("circleci", 75)])).toEqual({ circleci: 75 });
});

test("an engine that does not run in full has no memory that one could say", () => {
  expect(() => engineMemory("circleci", sandbox)).toThrow("circleci does not run, so that its memory");
  expect(() => engineMemory("tekton", [...sandbox, process("pipelines-as-code", 0, false)])).toThrow(
    "pipelines-as-code does not run",
  );
});
