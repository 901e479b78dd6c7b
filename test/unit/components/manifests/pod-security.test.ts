import { expect, test } from "vitest";
import {
  loosest,
  loweredPodSecurity,
  podSecurity,
  type PodSecurity,
} from "../../../../components/manifests/pod-security.ts";
import { sampleService } from "../../../support/sample-shop.ts";

const plain = sampleService("link");
const capable = sampleService("user", { capabilities: ["CHOWN", "SETUID"] });

test("a namespace enforces all there is, unless a service has a capability; and then it is said", () => {
  expect(podSecurity([plain, sampleService("news", { capabilities: [] })])).toBe("restricted");
  expect(loweredPodSecurity("shop-dev", [plain])).toBeUndefined();
  expect(podSecurity([plain, capable])).toBe("baseline");
  expect(loweredPodSecurity("shop-dev", [plain, capable])).toBe(
    "the namespace shop-dev enforces Pod Security `baseline` instead of `restricted`, for the capabilities of user (CHOWN, SETUID)",
  );
});

test.each<[levels: PodSecurity[], level: PodSecurity]>([
  [[], "restricted"],
  [["restricted", "baseline", "restricted"], "baseline"],
  [["privileged", "baseline"], "privileged"],
])("the loosest of %j is %s", (levels, level) => expect(loosest(levels)).toBe(level));
