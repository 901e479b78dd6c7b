import { expect, test } from "vitest";
import { asApiError } from "../../../kubernetes/answer.ts";
import type { Connection } from "../../../kubernetes/connection.ts";

const connection: Pick<Connection, "server" | "context" | "source"> = {
  server: "https://10.0.0.1",
  context: "prod",
  source: "~/.kube/config",
};
const where = 'https://10.0.0.1 (context "prod" of ~/.kube/config)';

test.each<[what: string, status: number, message: string, expected: string]>([
  [
    "a missing right",
    403,
    'pods is forbidden: User "ci" cannot create resource "pods" in API group "" in the namespace "shop"',
    `not permitted at ${where}: pods is forbidden: User "ci" cannot create resource "pods" in API group "" in the namespace "shop". Grant the right to this user, or use another context.`,
  ],
  [
    "an admission policy",
    403,
    "pods \"link\" is forbidden: ValidatingAdmissionPolicy 'shop.images' with binding 'shop.link' denied request: no release record names it; release it",
    `refused by ${where}: pods "link" is forbidden: ValidatingAdmissionPolicy 'shop.images' with binding 'shop.link' denied request: no release record names it; release it`,
  ],
  [
    "the standards of pods",
    403,
    'pods "link" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
    `refused by ${where}: pods "link" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true`,
  ],
  [
    "a quota",
    403,
    'pods "link" is forbidden: exceeded quota: small',
    `refused by ${where}: pods "link" is forbidden: exceeded quota: small`,
  ],
  [
    "the credentials",
    401,
    "Unauthorized",
    `the credentials are refused by ${where}: renew the token or client certificate there. (401 Unauthorized)`,
  ],
  ["any other", 422, "spec.replicas is invalid", "spec.replicas is invalid"],
])("what refuses is told apart: %s", (_, status, message, expected) => {
  expect(asApiError(status, JSON.stringify({ kind: "Status", message }), connection).message).toBe(expected);
});
