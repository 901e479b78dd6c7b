/** How long a rollout may take before the update fails and says why; a Service waits for the pods of its Deployment. */
export const rolloutTimeouts = { create: "5m", update: "5m" };
