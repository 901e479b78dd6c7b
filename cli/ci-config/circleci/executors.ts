import type { Executor } from "../../../circleci/schema.ts";
import type { Pipeline, PipelineService, PrepareCommand } from "../pipeline.ts";
import { imageName } from "../service-ports.ts";
import { testEnvironment } from "../test-image.ts";

/** Where all jobs run but the tests that need service containers or an image of their own, and what prepares images in another. */
export const plainExecutor = "delivery";

/** The executors by name, and which one the tests of each service need, and what prepares its image. */
export function executors({ image, layout, services, testedOnly }: Pipeline): {
  readonly executors: Record<string, Executor>;
  readonly executorOf: (service: PipelineService) => string;
  readonly preparing: (prepare: PrepareCommand) => string;
} {
  const location = layout.workingDirectory === undefined ? {} : { working_directory: layout.workingDirectory };
  const special = [...services, ...testedOnly].filter((service) => testEnvironment(service) !== "");
  const groups = Map.groupBy(special, testEnvironment);
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
    executorOf: (service) => names.get(testEnvironment(service)) ?? plainExecutor,
  };
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
