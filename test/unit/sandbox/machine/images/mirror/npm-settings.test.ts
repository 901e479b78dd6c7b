import { describe, expect, test } from "vitest";
import { npmSettings } from "../../../../../../sandbox/machine/images/mirror/npm-settings.ts";

const basic = (login: string): string => `Basic ${Buffer.from(login).toString("base64")}`;

describe("npmSettings", () => {
  test.each([
    ["ms", { registry: "https://a.example" }, "https://a.example/"],
    ["ms", { registry: "https://a.example/npm//" }, "https://a.example/npm/"],
    ["ms", { registry: "https://me:secret@a.example/npm/" }, "https://a.example/npm/"],
    ["@shop/ms", { registry: "https://a.example/", "@shop:registry": "https://b.example" }, "https://b.example/"],
    ["@other/ms", { registry: "https://a.example/", "@shop:registry": "https://b.example" }, "https://a.example/"],
  ])("%s of %o comes from %s", (name, settings, expected) => {
    expect(npmSettings(settings).registryOf(name)).toBe(expected);
  });

  test("says which setting is missing", () => {
    expect(() => npmSettings({}).registryOf("ms")).toThrow('npm names no registry: see "npm config get registry"');
  });

  const registry = "https://a.example/npm/";
  test.each([
    ["no credentials", { registry }, undefined],
    ["a token", { registry, "//a.example/npm/:_authToken": "t" }, "Bearer t"],
    ["a token of the host", { registry, "//a.example/:_authToken": "t" }, "Bearer t"],
    ["the longest part", { registry, "//a.example/:_authToken": "t", "//a.example/npm/:_auth": "dTpw" }, "Basic dTpw"],
    ["a password", { registry, "//a.example/npm/:username": "u", "//a.example/npm/:_password": "cA==" }, basic("u:p")],
    ["a login in the address", { registry: "https://u%40x:p@a.example/npm/" }, basic("u@x:p")],
    ["another host's", { registry, "//b.example/:_authToken": "t" }, undefined],
    ["another path's", { registry, "//a.example/other/:_authToken": "t" }, undefined],
    ["another port's", { registry, "//a.example:8080/:_authToken": "t" }, undefined],
  ])("sends %s", (_, settings, expected) => {
    expect(npmSettings(settings).authorizationFor("https://a.example/npm/ms/-/ms-2.1.3.tgz")).toBe(expected);
  });

  test("sends the login in the address of a registry nowhere else", () => {
    const { authorizationFor } = npmSettings({ registry: "https://u:p@a.example/" });
    expect(authorizationFor("https://b.example/ms.tgz")).toBeUndefined();
  });
});
