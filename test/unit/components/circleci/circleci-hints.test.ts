import { expect, test } from "vitest";
import { circleCiHint, deleteFromState } from "../../../../components/circleci/circleci-hints.ts";

const urn = (type: string, name = "shop"): string =>
  `urn:pulumi:dev::delivery::delivery:ci:CiProject$circleci:index/${type}::${name}`;

function hint(type: string, failedOperation: string, error: string) {
  const failure = { urn: urn(type), type: `circleci:index/${type}`, name: "shop", failedOperation, errors: [error] };
  return circleCiHint("shop", failure);
}

const answer = (status: string): string => `Could not do it, unexpected error: ${status}: {"message":"no"}`;
const imported = (id: string, type: string): string =>
  `pulumi import --yes --protect=false --generate-code=false --parent parent=urn:pulumi:dev::delivery::delivery:ci:CiProject::shop --provider 'provider=urn:pulumi:dev::delivery::delivery:ci:CiProject$pulumi:providers:circleci::shop' circleci:index/${type} shop ${id} --stack dev`;

test.each<[string, string, string, string | undefined]>([
  ["context:Context", "create", answer("401 Unauthorized"), "pulumi config set --secret circleciToken"],
  ["trigger:Trigger", "delete", answer("401 Unauthorized"), "pulumi config set --secret circleciToken"],
  ["trigger:Trigger", "delete", answer("404 Not Found"), deleteFromState(urn("trigger:Trigger"))],
  ["trigger:Trigger", "delete", answer("404 Not Found"), "`npx delivery repair --env dev --yes`"],
  ["context:Context", "read", answer("404 Not Found"), "`npx delivery repair --env dev --yes`"],
  ["context:Context", "create", answer("409 Conflict"), "--adopt` and its ID"],
  ["project:Project", "update", answer("404 Not Found"), deleteFromState(urn("project:Project"))],
  // The project that a new trigger is to go to, for example: nothing of the state is gone.
  ["trigger:Trigger", "create", answer("404 Not Found"), undefined],
  [
    "project:Project",
    "create",
    answer("409 Conflict"),
    "take it in with `npx delivery repair --env dev --yes --adopt` and its SLUG",
  ],
  ["pipeline:Pipeline", "create", answer("409 Conflict"), undefined],
  ["context:Context", "create", answer("403 Forbidden"), "may not do that"],
  ["context:Context", "create", answer("400 Bad Request"), undefined],
  [
    "project:Project",
    "create",
    `Could not update recently created CircleCI project settings:\n\norg: o\nproject_id: i\nproject_name: n\nslug: circleci/o/i\n\nUnexpected error: 403 Forbidden: {}\n`,
    imported("circleci/o/i", "project:Project"),
  ],
  ["trigger:Trigger", "create", "POST https://circleci.com/api/v2/x giving up after 11 attempt(s)", "delivery drift"],
  // An id that holds the digits of a status says nothing.
  ["trigger:Trigger", "delete", "Could not delete trigger 404, unexpected error: 400 Bad Request: 404", undefined],
])("%s %s: %j → %s", (type, operation, error, said) => {
  if (said === undefined) expect(hint(type, operation, error)).toBeUndefined();
  else expect(hint(type, operation, error)).toContain(said);
});

test("the command to take out of the state is for one stack, and quotes the resource's name", () => {
  expect(deleteFromState(urn("context:Context"))).toBe(
    "pulumi state delete --stack dev --yes --target-dependents 'urn:pulumi:dev::delivery::delivery:ci:CiProject$circleci:index/context:Context::shop'",
  );
});
