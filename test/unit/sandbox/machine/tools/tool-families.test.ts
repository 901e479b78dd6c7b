import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { familyNames, moduleFolder } from "../../../../../sandbox/machine/tools/tool-families.ts";

/**
 * What these need in another version than Argo CD and Kubernetes do: Traefik's logs are written for an interface of OpenTelemetry
 * that has changed since, and the others ask for a newer release themselves.
 */
const others = new Set([
  "github.com/json-iterator/go",
  "go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc",
  "go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp",
  "go.opentelemetry.io/otel/log",
  "go.opentelemetry.io/otel/sdk/log",
  "gomodules.xyz/jsonpatch/v2",
]);

/** Argo Rollouts validates pods by Kubernetes' own code, and so must have that of its release. */
const apart = moduleFolder("rollouts");

const [shared = "", ...modules] = [...new Set(familyNames.map(moduleFolder))];
const own = modules.filter((folder) => folder !== apart);

describe("families that are a module of their own", () => {
  it("are there", () => expect(own.length).toBeGreaterThan(0));

  it.each(own)("%s: the versions are those of the other tools, so that the same package is compiled once", (folder) => {
    const expected = versionsOf(shared);
    const differing = [...versionsOf(folder)].filter(
      ([name, version]) => !others.has(name) && (expected.get(name) ?? version) !== version,
    );
    expect(differing).toEqual([]);
  });

  it.each(own)("%s: the same Go compiles them", (folder) => expect(goOf(folder)).toBe(goOf(shared)));
});

/** Of each module that go.mod requires, the version that counts: a replacement's, where it is another version of the same one. */
function versionsOf(folder: string): ReadonlyMap<string, string> {
  const text = goMod(folder);
  const required = [...text.matchAll(/^\t(\S+) (v\S+)/gm)].map(
    ([, name = "", version = ""]) => [name, version] as const,
  );
  const replaced = [...text.matchAll(/^\t(\S+) => \1 (v\S+)$/gm)].map(
    ([, name = "", version = ""]) => [name, version] as const,
  );
  return new Map([...required, ...replaced]);
}

function goOf(folder: string): string | undefined {
  return /^go (\S+)$/m.exec(goMod(folder))?.[1];
}

function goMod(folder: string): string {
  return readFileSync(join(folder, "go.mod"), "utf8");
}
