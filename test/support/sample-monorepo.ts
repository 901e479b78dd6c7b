import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Monorepo } from "../../cli/project/monorepo.ts";
import type { Service, ServiceSettings } from "../../components/service.ts";

/** A monorepo on disk whose services are the directories with a Dockerfile, named like them. */
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

  /** @param settings of single services, by name */
  monorepo(
    context: Monorepo["images"]["context"] = "app",
    settings: Readonly<Record<string, ServiceSettings>> = {},
  ): Monorepo {
    const services = globSync("{svc,apps}/*/Dockerfile", { cwd: this.root }).map((path): Service => {
      const name = path.split("/")[1] ?? "";
      return { ...settings[name], name, directory: join(this.root, dirname(path)), port: 7070 };
    });
    return {
      app: { name: "shop", directory: this.root, services: "svc/*" },
      root: this.root,
      images: {
        registry: "docker.io",
        organization: "acme",
        username: "ci",
        source: "registry",
        platform: "linux/amd64",
        tag: "latest",
        context,
      },
      services: services.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      file: "stacks/Pulumi.dev.yaml",
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
