import * as pulumi from "@pulumi/pulumi";
import { isMap } from "../../core/yaml.ts";

const application = "kubernetes:argoproj.io/v1alpha1:Application";

/** Seconds for an Application to become Healthy: one of the user's may never do so, and others are not to wait for long. */
const limit = "60s";

/**
 * What the engine waits for, where some of it is known not to come.
 * @param hopeless the names of dependencies that cannot run here: nobody waits for these at all
 * @returns to be called in the engine's run, before the program
 */
export function hastenApplications(hopeless: ReadonlySet<string>): () => void {
  return () =>
    pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
      if (type !== application) return undefined;
      const customTimeouts = { ...opts.customTimeouts, create: limit, update: limit };
      return { props: hopeless.has(name) ? withoutWaiting(props) : props, opts: { ...opts, customTimeouts } };
    });
}

function withoutWaiting(props: pulumi.Inputs): pulumi.Inputs {
  const metadata: unknown = props["metadata"];
  if (!isMap(metadata) || !isMap(metadata["annotations"])) return props;
  const { "pulumi.com/waitFor": _, ...annotations } = metadata["annotations"];
  return { ...props, metadata: { ...metadata, annotations: { ...annotations, "pulumi.com/skipAwait": "true" } } };
}

/** Whether a resource is an Application: when it is not Healthy in time, all else is well. */
export function isApplication(urn: string): boolean {
  return urn.includes(`${application}::`);
}
