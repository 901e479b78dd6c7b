import { expect, test } from "vitest";
import { isTrue } from "../../../../../sandbox/stand-ins/pipelines-as-code/expression.ts";

const variables = { event: "push", target_branch: "main", source_url: "a", target_url: "b" };

test.each([
  ['event == "push"', true],
  ['event != "push"', false],
  ['event == "push" && target_branch == "main"', true],
  ['event == "pull_request" && source_url == target_url', false],
  ['event == "push" && !(source_url == target_url)', true],
  ['event == "pull_request" || target_branch == "main"', true],
  ['(event == "pull_request" || event == "push") && target_branch == "other"', false],
  ['target_branch == "a \\"quoted\\" one"', false],
])("%s is %s", (expression, expected) => {
  expect(isTrue(expression, variables)).toBe(expected);
});

test.each([
  ["", "a comparison is expected|ends too early"],
  ["event", "a comparison is expected before the end"],
  ['event == "push" extra', "extra is not expected"],
  ['(event == "push"', "a parenthesis is not closed"],
  ['event.startsWith("push")', "is not understood|is expected before"],
  ['body == "x"', "body is not known"],
])("%s is refused, and not taken for one or the other", (expression, message) => {
  expect(() => isTrue(expression, variables)).toThrow(new RegExp(message));
});
