import type * as pulumi from "@pulumi/pulumi";

/** The stack's secrets, by name. */
export type Secrets = ReadonlyMap<string, pulumi.Output<string>>;

/** A container registry with a login. */
export interface Registry {
  /** The registry's host, e.g. `docker.io`. */
  readonly server: string;
  readonly username: string;
  readonly password: pulumi.Output<string>;
}

/** What a Secret holds with which pods pull: as `docker login` writes it, and Docker Hub is known by an older name there. */
export function pullSecretData({ server, username, password }: Registry) {
  const host = server === "docker.io" ? "https://index.docker.io/v1/" : server;
  const config = password.apply((plain) => {
    const auth = Buffer.from(`${username}:${plain}`).toString("base64");
    return JSON.stringify({ auths: { [host]: { username, password: plain, auth } } });
  });
  return { type: "kubernetes.io/dockerconfigjson", stringData: { ".dockerconfigjson": config } };
}

/**
 * The values of environment variables that name secrets.
 * @param variables environment variable → name of a secret; the configuration has checked that each exists
 */
export function secretValues(
  secrets: Secrets,
  variables: Readonly<Record<string, string>>,
): Record<string, pulumi.Output<string>> {
  return Object.fromEntries(
    Object.entries(variables).map(([variable, name]) => {
      const value = secrets.get(name);
      if (value === undefined) throw new Error(`the stack has no secret ${JSON.stringify(name)} for ${variable}`);
      return [variable, value];
    }),
  );
}
