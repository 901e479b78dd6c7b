import type { ConfiguredProvider, ResourceProvider } from "../sandbox/providers/resource-provider.ts";

/**
 * A provider whose creations succeed at once, with the inputs as outputs, so that what an update takes is the engine's and the
 * program's own.
 */
export function instantProvider(provider: ResourceProvider): ResourceProvider {
  return {
    ...provider,
    configure: async (inputs, log) => instant(await provider.configure(inputs, log)),
  };
}

function instant(configured: ConfiguredProvider): ConfiguredProvider {
  return {
    ...configured,
    check: ({ news }) => Promise.resolve({ inputs: news }),
    create: ({ urn, inputs, preview }) => Promise.resolve({ id: preview ? "" : urn, outputs: inputs }),
  };
}
