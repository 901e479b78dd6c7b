import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

/** The path of a program as a shell would find it, also where administrators have theirs. */
export function which(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"].filter((folder) =>
    folder.startsWith("/"),
  );
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
