import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A monorepo whose services are web servers of busybox: its images build in a second. */
export interface Monorepo {
  readonly directory: string;
  write(path: string, content: string): void;
  remove(path: string): void;
  /** Writes a service's files; it serves its page and what all services share. */
  service(name: string, dockerfile?: string): void;
}

/** Makes a monorepo with these services in an empty directory. */
export function createMonorepo(directory: string, services: readonly string[]): Monorepo {
  rmSync(directory, { recursive: true, force: true });
  const at = (path: string): string => join(directory, path);
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), content);
  };
  const service = (name: string, dockerfile = webServer(name)): void => {
    write(`svc/${name}_service/Dockerfile`, dockerfile);
    write(`svc/${name}_service/Dockerfile.dockerignore`, `*\n!pkg\n!svc/${name}_service/www\n`);
    write(`svc/${name}_service/www/index.html`, `This is ${name}.\n`);
  };
  write("README.md", "# A shop\n");
  write("pkg/terms.html", "No returns.\n");
  for (const name of services) service(name);
  return {
    directory,
    write,
    service,
    remove: (path) => rmSync(at(path), { recursive: true }),
  };
}

/** The Dockerfile of a service; `command` in place of starting the web server at once. */
export function webServer(name: string, command = "exec httpd -f -p 8080 -h /www"): string {
  return `FROM busybox
COPY pkg svc/${name}_service/www /www/
EXPOSE 8080
# As the first process of a container, httpd does not hear SIGTERM.
STOPSIGNAL SIGKILL
ENTRYPOINT ${JSON.stringify(["sh", "-c", command])}
`;
}
