import * as pulumi from "@pulumi/pulumi";
import log from "@pulumi/pulumi/log/index.js";

/** With a value, the SDK's debug messages and its stack traces are there for large stacks, too. */
const debugVariable = "DELIVERY_DEBUG";

/** So many services are enough to keep the engine busy. */
const partSize = 20;

/**
 * Declares something for each item. A preview does so part by part: all at once, the requests of a large stack would be in
 * memory at the same time. An update does not wait, since one service that does not start would hold up those of later parts.
 * @param declare returns the last resource of an item
 */
export async function declareInParts<Item>(
  items: readonly Item[],
  declare: (item: Item) => pulumi.Resource | undefined,
): Promise<void> {
  muteDebugMessages();
  for (let start = 0; start < items.length; start += partSize) {
    const declared = items.slice(start, start + partSize).flatMap((item) => declare(item) ?? []);
    // Whether a URN is secret is known as soon as the URN is. What could not be declared, the engine reports.
    if (pulumi.runtime.isDryRun()) await Promise.allSettled(declared.map(({ urn }) => pulumi.isSecret(urn)));
  }
}

/**
 * Makes resources without the stack traces that the SDK takes for each of some thirty promises of a resource, to find those
 * that never end. An error of a resource names it by its type and name; so only constructors of resources may be called here.
 */
export function withoutTraces<Made>(make: () => Made): Made {
  if (isDebugging()) return make();
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Three requests for each resource, one after the other, whose text the engine shows with `--debug` alone. */
function muteDebugMessages(): void {
  if (!isDebugging()) Object.assign(log, { debug: () => Promise.resolve() });
}

function isDebugging(): boolean {
  return (process.env[debugVariable] ?? "") !== "";
}
