import * as pulumi from "@pulumi/pulumi";

/**
 * Leaves the secret inputs of every resource as they are in the state: they are placeholders on both sides, and a difference
 * between two placeholders would only hide those that count. Providers need theirs.
 */
export function ignoreSecrets(): void {
  pulumi.runtime.registerResourceTransform(async ({ type, props, opts }) => {
    if (type.startsWith("pulumi:providers:")) return undefined;
    const names = Object.entries(props).map(async ([name, value]) =>
      (await pulumi.isSecret(pulumi.output(value))) ? [name] : [],
    );
    const secret = (await Promise.all(names)).flat();
    if (secret.length === 0) return undefined;
    return { props, opts: pulumi.mergeOptions(opts, { ignoreChanges: secret }) };
  });
}
