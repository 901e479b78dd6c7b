import { writeFileSync } from "node:fs";
import { CommandError } from "../command.ts";
import { statusPage } from "./html.ts";
import type { DeliveryStatus } from "./model.ts";
import { statusText } from "./text.ts";

export interface StatusOutput {
  /** The file for the page. @default none is written */
  readonly html?: string | undefined;
  /** JSON in place of the text for people. @default false */
  readonly json?: boolean | undefined;
}

/**
 * Writes the page if one is asked for.
 * @returns what to print
 * @throws CommandError if the file cannot be written
 */
export function renderStatus(status: DeliveryStatus, { html, json }: StatusOutput): string {
  if (html !== undefined) {
    try {
      writeFileSync(html, statusPage(status));
    } catch (error) {
      throw new CommandError(
        `--html ${html}: cannot be written (${error instanceof Error ? error.message : String(error)})`,
        { cause: error },
      );
    }
  }
  return json === true ? JSON.stringify(status, undefined, 2) : statusText(status);
}
