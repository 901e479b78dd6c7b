import { z } from "zod";
import { readStackFile } from "../../../stacks/stack-file.ts";

const requestedSchema = z.object({
  "delivery:images": z.object({ registry: z.string() }),
  "delivery:ci": z.object({ host: z.url() }),
});

/** The ports of registry and CircleCI stand-in that the stack file of the sandbox names. */
export function requestedPorts(): number[] {
  const { "delivery:images": images, "delivery:ci": ci } = requestedSchema.parse(readStackFile("sandbox"));
  return [Number(images.registry.split(":")[1]), Number(new URL(ci.host).port)];
}
