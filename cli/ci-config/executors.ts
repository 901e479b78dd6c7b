import type { Executor } from "../../circleci/schema.ts";
import type { Pipeline, PipelineService, PrepareCommand } from "./pipeline.ts";

/** Where all jobs run but the tests that need service containers or an image of their own, and what prepares images in another. */
export const plainExecutor = "delivery";

/** The executors by name, and which one the tests of each service need, and what prepares its image. */
export function executors({ image, layout, services, testedOnly }: Pipeline): {
  readonly executors: Record<string, Executor>;
  readonly executorOf: (service: PipelineService) => string;
  readonly preparing: (prepare: PrepareCommand) => string;
} {
  const location = layout.workingDirectory === undefined ? {} : { working_directory: layout.workingDirectory };
  const special = [...services, ...testedOnly].filter((service) => needsOf(service) !== "");
  const groups = Map.groupBy(special, needsOf);
  const names = new Map(
    [...groups].map(([needs, [service]]) => {
      const name = nameOf(service);
      const twins = [...groups.values()].filter(([other]) => other !== undefined && nameOf(other) === name);
      return [needs, twins.length === 1 ? name : `${name}-for-${service?.name}`];
    }),
  );
  const ownImages = [...new Set(services.flatMap(({ prepare }) => prepare?.image ?? []))].filter(
    (own) => own !== image,
  );
  const preparing = new Map(
    ownImages.map((own, index) => {
      const isOnly = ownImages.every((other) => other === own || imageName(other) !== imageName(own));
      return [own, `prepare-${imageName(own)}${isOnly ? "" : `-${index + 1}`}`] as const;
    }),
  );
  return {
    preparing: (prepare) => preparing.get(prepare.image ?? image) ?? plainExecutor,
    executors: {
      [plainExecutor]: { docker: [{ image }], ...location },
      ...Object.fromEntries(
        [...preparing].map(([own, name]) => [name, { docker: [{ image: own }], ...location }] as const),
      ),
      ...Object.fromEntries(
        [...groups].map(([needs, [service]]) => [
          names.get(needs) ?? plainExecutor,
          {
            docker: [
              { image: service?.testImage ?? image },
              ...(service?.serviceContainers ?? []).map((container) => ({
                image: container.image,
                ...(container.env === undefined ? {} : { environment: { ...container.env } }),
              })),
            ],
            ...location,
          },
        ]),
      ),
    },
    executorOf: (service) => names.get(needsOf(service)) ?? plainExecutor,
  };
}

/** What the tests of a service run in, beyond what all jobs do; empty: nothing. */
function needsOf({ testImage, serviceContainers }: PipelineService): string {
  return testImage === undefined && serviceContainers.length === 0
    ? ""
    : JSON.stringify([testImage, serviceContainers]);
}

/** `with-postgres`, `test-in-rust`, `test-in-rust-with-postgres` */
function nameOf(service: PipelineService | undefined): string {
  const { testImage, serviceContainers = [] } = service ?? {};
  const containers = serviceContainers.map(({ image }) => imageName(image)).join("-");
  return [
    ...(testImage === undefined ? [] : [`test-in-${imageName(testImage)}`]),
    ...(containers === "" ? [] : [`with-${containers}`]),
  ].join("-");
}

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
function imageName(image: string): string {
  const last = image.split("/").at(-1) ?? image;
  return (last.split(/[:@]/)[0] ?? last).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}
