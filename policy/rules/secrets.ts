import { hasSecretName } from "../../core/secret-names.ts";
import { isMap, type JsonMap, type JsonValue } from "../../kubernetes/json.ts";
import { listAt, mapAt, stringAt } from "../../kubernetes/object.ts";
import { containersOf, podTemplatesIn } from "../../kubernetes/pod-template.ts";
import type { PolicyRule } from "../rule.ts";

/** What is in Git is known to all who can read the repository, for ever. */
export const secretInGit: PolicyRule = {
  name: "secret-in-git",
  level: "mandatory",
  check: ({ object, file }) => {
    if (file === "") return [];
    if (object["kind"] === "Secret" && ["data", "stringData"].some((key) => Object.keys(mapAt(object, key)).length > 0))
      return [
        "a Secret with its content would be in Git; set the values by `pulumi config set --secret`, and name them in `secrets` of the service",
      ];
    return textsIn(object).flatMap(({ path, text }) => {
      const what = secretIn(text);
      return what === undefined
        ? []
        : [
            `${path} has ${what} in it, which would be in Git; replace it where it is used, and name it in \`secrets\` of the service`,
          ];
    });
  },
};

/** A variable whose name says that it is a secret, and whose value stands there. */
export const secretInVariable: PolicyRule = {
  name: "secret-in-variable",
  level: "advisory",
  check: ({ object, file }) => {
    const containers = podTemplatesIn(object).flatMap(containersOf);
    if (file === "" && containers.length === 0) return [];
    return containers.flatMap((container) =>
      listAt(container, "env").flatMap((variable) => {
        const name = stringAt(variable, "name") ?? "";
        if (!hasSecretName(name) || !isLiteral(stringAt(variable, "value"))) return [];
        return [
          `${name} of container ${stringAt(container, "name")} looks like a secret in plain text; name it in \`secrets\` of the service, or give the variable a name that says what it is`,
        ];
      }),
    );
  },
};

/** Not empty, a reference to another variable, a switch, a number, a path or an address. */
function isLiteral(value: string | undefined): boolean {
  return (
    value !== undefined && value !== "" && !/^(true|false|\d+|\$\(\w+\)|\.{0,2}\/.*|https?:\/\/[^@]*)$/i.test(value)
  );
}

/** A name for what a text has in it, without showing it. */
function secretIn(text: string): string | undefined {
  if (/-----BEGIN ([A-Z]+ )*PRIVATE KEY( BLOCK)?-----/.test(text)) return "a private key";
  if (/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/]{0,100}:(?!\$\()[^\s@/]{1,200}@/i.test(text))
    return "a URL with a password";
  if (
    /\b(ghp|gho|ghs|github_pat|dckr_pat|glpat)[_-][A-Za-z0-9_]{16,}|\bAKIA[0-9A-Z]{16}\b|\bxox[abp]-\d{6,}/.test(text)
  )
    return "a token";
  return undefined;
}

interface TextAt {
  readonly path: string;
  readonly text: string;
}

function textsIn(value: JsonMap): TextAt[] {
  return Object.entries(value).flatMap(([key, inner]) => textsAt(key, inner));
}

function textsAt(path: string, value: JsonValue): TextAt[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => textsAt(`${path}[${index}]`, item));
  return isMap(value) ? Object.entries(value).flatMap(([key, inner]) => textsAt(`${path}.${key}`, inner)) : [];
}
