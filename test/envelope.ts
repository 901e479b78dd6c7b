const signature = "4dabf18193072939515e22adb298388d";

/** Takes the value out of a secret's envelope. @throws Error if it is not in one */
export function openEnvelope(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !(signature in value) || !("value" in value)) {
    throw new Error(`not a secret: ${JSON.stringify(value)}`);
  }
  return value.value;
}
