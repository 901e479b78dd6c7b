import { expect, test } from "vitest";
import { routeProblem } from "../../../../components/cluster/route-acceptance.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";

const condition = (type: string, status: string, rest: JsonMap = {}): JsonMap => ({ type, status, ...rest });
const accepted = condition("Accepted", "True");
const resolved = condition("ResolvedRefs", "True");
const refused = (reason: string, message = ""): JsonMap => condition("Accepted", "False", { reason, message });

test.each<[what: string, parents: JsonMap[], problem: RegExp | undefined]>([
  ["an accepted one", [{ conditions: [accepted, resolved] }], undefined],
  ["one that another controller refuses", [{ conditions: [refused("X")] }, { conditions: [accepted] }], undefined],
  ["one without any controller", [], /^no controller has taken its route on: is there one/],
  ["one that is being looked at", [{ conditions: [] }], /waits for the controller/],
  [
    "one whose change is being looked at",
    [{ conditions: [{ ...accepted, observedGeneration: 1 }] }],
    /waits for the controller/,
  ],
  [
    "one that the Gateway does not let in",
    [{ conditions: [refused("NotAllowedByListeners", "not allowed."), resolved] }],
    /^its route is refused \(NotAllowedByListeners: not allowed\); let a listener .* allowedRoutes.namespaces: \{ from: All \}/,
  ],
  [
    "one with a host of nobody",
    [{ conditions: [refused("NoMatchingListenerHostname")] }],
    /correct cluster.gateway.domain/,
  ],
  ["one of an unknown listener", [{ conditions: [refused("NoMatchingParent")] }], /correct cluster.gateway.listener$/],
  [
    "one refused for a new reason",
    [{ conditions: [refused("Moonlight", "it is night")] }],
    /\(Moonlight: it is night\)$/,
  ],
  [
    "one whose Service is not there",
    [{ conditions: [accepted, condition("ResolvedRefs", "False", { reason: "BackendNotFound" })] }],
    /^its route is refused \(BackendNotFound\)$/,
  ],
])("%s", (_what, parents, problem) => {
  const found = routeProblem({ metadata: { name: "link", generation: 2 }, status: { parents } });
  expect(found ?? "none").toMatch(problem ?? /^none$/);
});
