/** In place of a secret's text. It is base64, too, as the values of a Kubernetes Secret must be. */
export const placeholder = Buffer.from("placeholder").toString("base64");

/** Nobody listens there. */
export const placeholderServer = "https://127.0.0.1:9";

/**
 * In place of a kubeconfig: of a cluster that nobody reaches, so that it is compared with the state alone.
 * @param context the context that the stack asks for
 */
export function placeholderKubeconfig(context = "placeholder"): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "placeholder", cluster: { server: placeholderServer } }],
    contexts: [{ name: context, context: { cluster: "placeholder", user: "placeholder" } }],
    users: [{ name: "placeholder", user: {} }],
    "current-context": context,
  });
}
