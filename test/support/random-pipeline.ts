import type { Pipeline, PipelineService } from "../../cli/ci-config/pipeline.ts";
import { samplePipeline } from "./sample-pipeline.ts";

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    const more = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((more ^ (more >>> 14)) >>> 0) / 4294967296;
  };
}

/** A monorepo of a few services, some made from others' images, some prepared, and a chain of environments. */
export function randomPipeline(random: () => number): Pipeline {
  const chance = (probability: number): boolean => random() < probability;
  const names = Array.from({ length: 2 + Math.floor(random() * 9) }, (_, index) => `service-${index}`);
  const services = names.map((name, index): PipelineService => ({
    name,
    bases: names.slice(0, index).filter(() => chance(0.15)),
    serviceContainers: chance(0.3) ? [{ image: "cimg/postgres:17.5", env: { POSTGRES_PASSWORD: "it's a test" } }] : [],
    ...(chance(0.2) ? { untested: true } : {}),
    ...(chance(0.2) ? { testImage: "cimg/rust:1.80", testScript: "cargo test <<< $(date)" } : {}),
    ...(chance(0.2)
      ? { prepare: { command: "make\necho END_OF_STEP", directory: `svc/${name}`, context: ".", image: "maven:3" } }
      : {}),
  }));
  const environments = ["dev", "staging", "prod", "audit"].slice(0, 1 + Math.floor(random() * 4));
  const environment = (name: string) => ({
    name,
    context: `shop-${name}`,
    pulls: chance(0.5),
    ...(chance(0.3) ? { hasVersions: true as const } : {}),
    ...(chance(0.3) ? { verifyWait: 15 } : {}),
  });
  return {
    ...samplePipeline,
    services,
    first: environment("dev"),
    promotions: environments.slice(1).map((name, index) => ({
      ...environment(name),
      from: environments[index] ?? "dev",
      approval: chance(0.4),
      ...(chance(0.5) ? { healthyMinutes: Math.floor(random() * 30) } : {}),
    })),
    pullLogin: chance(0.5),
    releases: chance(0.8),
    ...(chance(0.5) ? { resumes: true as const } : {}),
    previewEnvironments: true,
  };
}

/** The pipeline of a change: some services have changed, of others only the tests. */
export function randomChange(pipeline: Pipeline, random: () => number): Pipeline {
  const changed = pipeline.services.filter(() => random() < 0.4);
  const testedOnly = pipeline.services.filter((service) => !changed.includes(service) && random() < 0.1);
  return { ...pipeline, services: changed, testedOnly, previews: changed.length > 0 || random() < 0.5 };
}
