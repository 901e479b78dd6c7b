import { expect, test } from "vitest";
import { localhostRules } from "../../../../../sandbox/machine/cluster/pod-localhost.ts";

test("a pod's own localhost leads to the host's end of the link, port by port, and to nothing else of it", () => {
  const rules = localhostRules("10.101.0.1", [
    ["5001", "5001"],
    ["3000", "3002"],
  ]);
  expect(rules).toContain(
    "ip daddr 127.0.0.1 tcp dport { 5001, 3000 } dnat ip to tcp dport map { 5001 : 10.101.0.1 . 5001, 3000 : 10.101.0.1 . 3002 }",
  );
});
