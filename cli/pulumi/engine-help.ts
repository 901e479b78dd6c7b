/** Minutes that one run of the engine may take. */
export const defaultEngineMinutes = 20;
/** Sets another number of minutes: a stack of thousands of resources may need more. */
export const engineMinutesVariable = "DELIVERY_ENGINE_MINUTES";

/** What the commands that run the engine say of it. */
export const engineHelp = `The Pulumi CLI, its login and the passphrase are those of the environment, as for \`pulumi up\`. A run
of the engine that comes to no end is stopped after ${defaultEngineMinutes} minutes, or those of ${engineMinutesVariable}.`;
