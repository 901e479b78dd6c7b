/** Of the engine's events, what is read here. */
export interface DiagnosticEvent {
  readonly diagnosticEvent?:
    | { readonly severity: string; readonly message: string; readonly urn?: string | undefined }
    | undefined;
}

/** Says only that something failed, or what that led to; what failed has been said before. */
const consequence =
  /^(update|preview|refresh|destroy) failed$|^One or more errors occurred|client connection is closing|resource monitor shut down/;

/** The problem that an event tells of, with the resource that has it; `undefined`: it tells of none. */
export function problemIn({ diagnosticEvent }: DiagnosticEvent): string | undefined {
  if (diagnosticEvent?.severity !== "error") return undefined;
  const message = plainMessage(diagnosticEvent);
  return consequence.test(message) ? undefined : `${about(diagnosticEvent.urn)}${message}`;
}

/** Without the engine's marks for colors. */
export function plainMessage({ message }: { readonly message: string }): string {
  return message.replaceAll(/<\{%[^%]*%\}>/g, "").trim();
}

/** The resource's type and name, for the beginning of a message; nothing for the stack as a whole. */
export function about(urn: string | undefined): string {
  const name = resourceName(urn);
  return name === "" ? "" : `${name}: `;
}

/** For example `Deployment link`; empty for the stack as a whole. */
export function resourceName(urn: string | undefined): string {
  const [, , types = "", name = ""] = urn?.split("::") ?? [];
  const type = types.split("$").at(-1) ?? "";
  return type === "" || type === "pulumi:pulumi:Stack" ? "" : `${type.split(":").at(-1)} ${name}`;
}
