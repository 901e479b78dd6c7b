import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { recordPath, recordWith } from "../git/release-record.ts";

/** How the stack of a large monorepo delivers. */
export type ShopDelivery = "direct" | "gitops";

/** The names of the services of a large monorepo: sorted, and so that none is the beginning of another. */
export function shopServices(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `s${String(index).padStart(4, "0")}`);
}

/** The service that each one calls, but for the first. */
export function shopPeer(services: readonly string[], index: number): string | undefined {
  return index === 0 ? undefined : services[Math.floor(index / 2)];
}

/** Makes the monorepo, and a directory of release records in which all services are released. */
export function writeShop(directory: string, count: number): void {
  const services = shopServices(count);
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  };
  for (const [index, name] of services.entries()) {
    const peer = shopPeer(services, index);
    write(`shop/svc/${name}/Dockerfile`, `FROM scratch\nEXPOSE 8080\n`);
    write(
      `shop/svc/${name}/service.yaml`,
      `env: { LOG_LEVEL: info }\n${peer === undefined ? "" : `peers: [${peer}]\n`}`,
    );
    const image = { repository: `docker.io/acme/shop-${name}`, digest: `sha256:${"1".repeat(64)}` };
    write(join("records", recordPath("large", name)), recordWith(image));
  }
}

/** The settings of its stack `large`, with the program's directory as the base of relative paths. */
export function shopSettings(
  directory: string,
  delivery: ShopDelivery,
  schemaVersion: number,
): Record<string, unknown> {
  return {
    "delivery:schemaVersion": schemaVersion,
    "delivery:delivery": delivery,
    "delivery:app": { name: "shop", directory: join(directory, "shop") },
    "delivery:images": {
      organization: "acme",
      username: "acme-ci",
      source: "registry",
      releases: join(directory, "records"),
    },
    "delivery:ci": {
      organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10",
      host: "http://localhost:8100/api/v2",
    },
    "delivery:gitops": { repository: "https://git.example/acme/deploy.git" },
    // The chart of Argo CD would have to be there.
    "delivery:owns": { ciProject: true },
  };
}
