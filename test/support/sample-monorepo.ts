import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Monorepo } from "../../cli/project/monorepo.ts";
import { findServices } from "../../components/service/find-services.ts";
import type { ServiceSettings } from "../../components/service/service.ts";

/** A monorepo on disk whose services are the directories with a Dockerfile, and what the settings of services name. */
export class SampleMonorepo implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "monorepo-"));

  constructor(files: Readonly<Record<string, string>>) {
    this.write(files);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(join(this.root, path), content);
    }
  }

  /** @param settings of single services, by name, as `services` of a stack file has them */
  monorepo(
    context: Monorepo["images"]["context"] = "app",
    settings: Readonly<Record<string, ServiceSettings>> = {},
  ): Monorepo {
    const app = { name: "shop", directory: this.root, services: "{svc,apps}/*" };
    const registry = { registry: "docker.io", organization: "acme" };
    const file = "stacks/Pulumi.dev.yaml";
    const { services } = findServices({
      app,
      file,
      defaults: { port: 7070 },
      overrides: settings,
      dependencies: new Set(),
      images: { ...registry, context },
    });
    return {
      app,
      root: this.root,
      images: {
        ...registry,
        login: "password",
        username: "ci",
        source: "registry",
        platforms: ["linux/amd64"],
        tag: "latest",
        context,
      },
      services,
      file,
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
