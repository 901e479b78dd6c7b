import type { PipelineService } from "./pipeline.ts";

/** Where the usual servers listen, by the last part of their images' names. */
const usualPorts: Readonly<Record<string, number>> = {
  postgres: 5432,
  redis: 6379,
  valkey: 6379,
  mysql: 3306,
  mariadb: 3306,
  mongo: 27017,
  rabbitmq: 5672,
  nats: 4222,
  memcached: 11211,
  elasticsearch: 9200,
};

/** The ports that tests wait for. A container whose port nobody says is not waited for. */
export function servicePorts({ serviceContainers }: PipelineService): number[] {
  return serviceContainers.flatMap(({ image, port }) => port ?? usualPorts[imageName(image)] ?? []);
}

/** `cimg/postgres:17.5` → `postgres` */
export function imageName(image: string): string {
  const last = image.split("/").at(-1) ?? image;
  return (last.split(/[:@]/)[0] ?? last).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}
