import { join } from "node:path";
import { errorMessage } from "../../../core/error.ts";
import { cached, cacheDir } from "../cache.ts";
import { releaseKey, unpackPackages } from "./debian-packages.ts";

/** A server of metrics, and what asks addresses for it whether they answer. */
export interface MetricsTools {
  readonly victoriaMetrics: string;
  readonly blackboxExporter: string;
}

/** Both need no library that a small system lacks. Debian's Prometheus itself knows nothing of Kubernetes' pods. */
const packages = ["victoria-metrics", "prometheus-blackbox-exporter"];

/**
 * Debian's VictoriaMetrics and Prometheus' blackbox exporter, unpacked into the cache once per machine and release.
 *
 * @param report takes one line of progress
 * @throws Error when it cannot be had
 */
export async function debianMetrics(report: (line: string) => void): Promise<MetricsTools> {
  const path = join(cacheDir(), "debian", `metrics-${releaseKey(packages)}`);
  await cached(path, async (folder) => {
    report("VictoriaMetrics: downloading Debian's, and Prometheus' blackbox exporter");
    await unpackPackages(folder, packages, []).catch((error: unknown) => {
      throw new Error(
        `VictoriaMetrics, which measures the canary, is Debian's, and cannot be fetched by apt-get: ${errorMessage(error)}`,
        { cause: error },
      );
    });
  });
  const bin = join(path, "root/usr/bin");
  return {
    victoriaMetrics: join(bin, "victoria-metrics"),
    blackboxExporter: join(bin, "prometheus-blackbox-exporter"),
  };
}
