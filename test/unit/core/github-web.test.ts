import { expect, test } from "vitest";
import { gitHubPage } from "../../../core/github-web.ts";

test.each([
  ["https://api.github.com", "https://github.com/acme/shop"],
  ["https://git.acme.example/api/v3", "https://git.acme.example/acme/shop"],
  ["https://api.acme.ghe.com", "https://acme.ghe.com/acme/shop"],
  ["https://api.acme.example/api/v3", "https://api.acme.example/acme/shop"],
  ["http://localhost:8200", "http://localhost:8200/acme/shop"],
])("a repository whose API is at %s is shown at %s", (api, page) => {
  expect(gitHubPage(api, "acme/shop")).toBe(page);
});
