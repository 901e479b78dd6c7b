/**
 * The port that the final stage of a Dockerfile EXPOSEs first; `undefined` if there is none or it is a build argument.
 * Source: https://docs.docker.com/reference/dockerfile/#expose
 */
export function exposedPort(dockerfile: string): number | undefined {
  const lines = dockerfile.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/);
  const finalStage = lines.slice(
    Math.max(
      0,
      lines.findLastIndex((line) => /^\s*FROM\s/i.test(line)),
    ),
  );
  for (const line of finalStage) {
    const ports = /^\s*EXPOSE\s+(.*)$/i.exec(line)?.[1]?.trim().split(/\s+/) ?? [];
    const port = ports.find((text) => /^\d+(\/tcp)?$/i.test(text));
    if (port !== undefined) return Number.parseInt(port, 10);
  }
  return undefined;
}
