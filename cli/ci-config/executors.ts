import type { Executor } from "../../circleci/schema.ts";
import type { Pipeline, PipelineService, PrepareCommand } from "./pipeline.ts";

/** Where all jobs run but the tests that need service containers, and what prepares images in an image of its own. */
export const plainExecutor = "delivery";

/** The executors by name, and which one the tests of each service need, and what prepares its image. */
export function executors({ image, layout, services, testedOnly }: Pipeline): {
  readonly executors: Record<string, Executor>;
  readonly executorOf: (service: PipelineService) => string;
  readonly preparing: (prepare: PrepareCommand) => string;
} {
  const location = layout.workingDirectory === undefined ? {} : { working_directory: layout.workingDirectory };
  const withContainers = [...services, ...testedOnly].filter(({ serviceContainers }) => serviceContainers.length > 0);
  const groups = Map.groupBy(withContainers, ({ serviceContainers }) => JSON.stringify(serviceContainers));
  const names = new Map(
    [...groups].map(([content, [service]]) => {
      const name = `with-${(service?.serviceContainers ?? []).map((container) => imageName(container.image)).join("-")}`;
      const twins = [...groups.values()].filter(
        ([other]) => other !== undefined && namesOf(other) === namesOf(service),
      );
      return [content, twins.length === 1 ? name : `${name}-for-${service?.name}`];
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
        [...groups].map(([content, [service]]) => [
          names.get(content) ?? plainExecutor,
          {
            docker: [
              { image },
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
    executorOf: ({ serviceContainers }) => names.get(JSON.stringify(serviceContainers)) ?? plainExecutor,
  };
}

function namesOf(service: PipelineService | undefined): string {
  return (service?.serviceContainers ?? []).map(({ image }) => imageName(image)).join("-");
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
