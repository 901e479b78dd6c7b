import { expect, test } from "vitest";
import { addressesOf, chooseBlock, parseNetwork } from "../../../../../sandbox/machine/cluster/addresses.ts";

test("link, pods and Services do not overlap", () => {
  expect(addressesOf(101)).toEqual({
    host: "10.101.0.1",
    node: "10.101.0.2",
    linkPrefix: 30,
    podRange: "10.101.64.0/18",
    serviceRange: "10.101.128.0/18",
    apiService: "10.101.128.1",
  });
});

test("a free block is kept over restarts, whatever the seed", () => {
  expect(chooseBlock([], 3)).toBe(67);
  expect(chooseBlock([], 3, 150)).toBe(150);
});

test("a block that anything on the machine touches is passed over", () => {
  const taken = ["10.67.12.0/24", "10.68.0.0/14", "10.72.3.4"].map(parseNetwork);
  expect(chooseBlock(taken, 3)).toBe(73);
  expect(chooseBlock(taken, 3, 70)).toBe(73);
  expect(chooseBlock([parseNetwork("192.168.0.0/16"), parseNetwork("172.17.0.1/16")], 3)).toBe(67);
});

test("the search wraps around", () => {
  expect(chooseBlock([parseNetwork("10.191.0.0/16")], 127)).toBe(64);
});

test("a machine that has all of 10.0.0.0/8 is told so", () => {
  expect(() => chooseBlock([parseNetwork("10.0.0.0/8")], 0)).toThrow(
    /10\.64\.0\.0\/16 to 10\.191\.0\.0\/16 are all in use .*ip route/,
  );
});
