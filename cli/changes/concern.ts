/** What a file is to a service: a part of its image, or only of its tests. */
export interface Concern {
  readonly part: "image" | "tests";
  /** The file, or the shared code that it is in. */
  readonly reason: string;
}

/** Whether a file is written for people. */
export function isDocumentation(file: string): boolean {
  return file.endsWith(".md") || /(^|\/)docs\//.test(file);
}
