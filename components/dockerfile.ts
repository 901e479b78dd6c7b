/**
 * The port that the final stage of a Dockerfile EXPOSEs first; `undefined` if there is none or it is a build argument.
 * Source: https://docs.docker.com/reference/dockerfile/#expose
 */
export function exposedPort(dockerfile: string): number | undefined {
  const lines = dockerfile.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/);
  const finalStage = lines.slice(Math.max(0, lines.findLastIndex((line) => /^\s*FROM\s/i.test(line))));
  for (const line of finalStage) {
    const port = /^\s*EXPOSE\s+(\d+)(?:\/tcp)?(?:\s|$)/i.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  return undefined;
}
