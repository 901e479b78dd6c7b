import { hasUnknown, reveal, secret } from "../property.ts";
import type { PropertyMap, PropertyValue } from "../property.ts";
import type { CheckFailure, ResourceProvider } from "../resource-provider.ts";
import { CircleCiApi } from "./api.ts";
import { configuredProvider } from "./configured-provider.ts";

const version = "0.4.2";
/** The version of the plugin that the generated SDK asks for. */
const pluginVersion = "1.1.3";
const settingNames = ["host", "key", "runnerHost"];

export interface CircleCiProviderOptions {
  /** Milliseconds to wait before each further attempt at a request that was not answered. @default [250, 1000] */
  retryDelays?: readonly number[];
}

/**
 * The offline provider of the package `circleci` 0.4.2: for the program the same as `terraform-provider` 1.1.3 with the
 * parameters of the generated SDK.
 */
export function createCircleCiProvider(options: CircleCiProviderOptions = {}): ResourceProvider {
  return {
    name: "terraform-provider",
    version: pluginVersion,
    parameterize({ name, version: wanted }) {
      // For a provider that it knows from the state, the engine names the plugin's version in place of the package's.
      if (name !== "circleci" || (wanted !== version && wanted !== pluginVersion)) {
        throw new Error(
          `the offline provider terraform-provider serves circleci ${version} only, not ${name} ${wanted}; the official plugin terraform-provider serves any`,
        );
      }
      return { name, version };
    },
    async checkConfig(news) {
      const { key, ...rest } = news;
      const failures = Object.keys(news)
        .filter((name) => !settingNames.includes(name) && !name.startsWith("__") && name !== "version")
        .map((name): CheckFailure => ({
          property: name,
          reason: `the provider circleci has no setting ${name}; it has ${settingNames.join(", ")}`,
        }));
      return { inputs: { ...rest, ...(key === undefined ? {} : { key: secret(key) }) }, failures };
    },
    async diffConfig({ oldInputs, news }) {
      // The engine's own `version` among the inputs changes with what it knows of the package, and says nothing.
      const plain = (value: PropertyValue | undefined): PropertyValue => reveal(value ?? "");
      const changed = settingNames.filter(
        (name) => plain(oldInputs[name]) !== plain(news[name]) || hasUnknown(news[name]),
      );
      return { detailedDiff: Object.fromEntries(changed.map((name) => [name, "update" as const])) };
    },
    async configure(inputs) {
      return configuredProvider(() => connect(inputs, options.retryDelays ?? [250, 1000]));
    },
  };
}

/** Only a call that is really made needs the settings: a preview that creates everything makes none. */
function connect(settings: PropertyMap, retryDelays: readonly number[]): CircleCiApi {
  for (const name of ["host", "key"]) {
    if (hasUnknown(settings[name]))
      throw new Error(
        `the provider circleci is asked for what the API has while its ${name} is not known yet: create what ${name} comes from first`,
      );
  }
  const host = reveal(settings["host"] ?? "https://circleci.com/api/v2");
  const token = reveal(settings["key"] ?? "");
  if (typeof host !== "string" || !URL.canParse(host))
    throw new Error(
      `the provider circleci's host is ${JSON.stringify(host)}: it must be the API's base URL, e.g. https://circleci.com/api/v2`,
    );
  if (typeof token !== "string" || token === "")
    throw new Error(
      "the provider circleci has no key: set a personal API token with `pulumi config set --secret circleciToken`",
    );
  return new CircleCiApi({ host, token, retryDelays });
}
