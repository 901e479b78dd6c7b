import { directoriesOf, lines, type Language } from "../model.ts";

export const node: Language = {
  name: "TypeScript",
  libraries: "packages",
  shares: true,
  styles: [
    {
      name: "everything",
      weight: 5,
      recipe: ({ directory }) => ({
        dockerfile: lines(
          "FROM node:24 AS build",
          "WORKDIR /app",
          "COPY . .",
          "RUN npm ci",
          `RUN npm run build -w ${directory}`,
          "FROM node:24-slim",
          "COPY --from=build /app /app",
          `CMD ["node", "/app/${directory}/dist/main.js"]`,
        ),
        copies: [""],
        keeps: true,
      }),
    },
    {
      name: "by name",
      weight: 4,
      recipe: ({ directory }, needed) => ({
        dockerfile: lines(
          "FROM node:24",
          "WORKDIR /app",
          "COPY package.json package-lock.json tsconfig.base.json ./",
          "COPY shared shared",
          ...directoriesOf(needed).map((at) => `COPY ${at} ${at}`),
          `RUN npm ci && npm run build -w ${directory}`,
          `CMD ["node", "${directory}/dist/main.js"]`,
        ),
        copies: ["package.json", "package-lock.json", "tsconfig.base.json", "shared", ...directoriesOf(needed)],
        keeps: true,
      }),
    },
    {
      name: "a program of the repository",
      weight: 0.3,
      recipe: ({ directory }) => ({
        dockerfile: lines(
          "FROM node:24",
          "WORKDIR /app",
          "COPY . .",
          "RUN npm ci && node scripts/build.mjs",
          `CMD ["node", "${directory}/dist/main.js"]`,
        ),
        copies: [""],
        keeps: true,
        reads: ["scripts/build.mjs"],
      }),
    },
  ],
  unitFiles: ({ unit, libraries, version }) => ({
    "package.json": lines(
      JSON.stringify({
        name: `@shop/${unit.name}`,
        version: `0.1.${version("package.json")}`,
        scripts: { build: "tsc" },
        // Every third is imported without being declared, as a workspace lets one do.
        dependencies: Object.fromEntries(
          libraries.filter((_, index) => index % 3 < 2).map(({ name }) => [`@shop/${name}`, "*"]),
        ),
      }),
    ),
    "tsconfig.json": lines(`{ "extends": "../../tsconfig.base.json" /* ${version("tsconfig.json")} */ }`),
    "src/main.ts": lines(
      ...libraries.map(({ name }) => `import "@shop/${name}";`),
      ...unit.sources.map((source) => `import "./${source}.ts";`),
      ...unit.shares.map((file) => `import ${file} from "../../../shared/${file}.json";`),
      `export const version = ${version("src/main.ts")};`,
    ),
    ...Object.fromEntries(
      unit.sources.map((source) => [`src/${source}.ts`, lines(`export const v = ${version(`src/${source}.ts`)};`)]),
    ),
    "test/main.test.ts": lines(`test("${version("test/main.test.ts")}", () => {});`),
  }),
  rootFiles: (_units, version) => ({
    "package.json": lines(
      JSON.stringify({
        name: "shop",
        version: `0.1.${version("package.json")}`,
        packageManager: "npm@11.6.0",
        workspaces: ["packages/*", "svc/*"],
      }),
    ),
    "package-lock.json": lines(
      JSON.stringify({ lockfileVersion: 3, version: `0.1.${version("package-lock.json")}`, packages: {} }),
    ),
    "tsconfig.base.json": lines(`{ "compilerOptions": { "strict": true } /* ${version("tsconfig.base.json")} */ }`),
    "turbo.json": lines(JSON.stringify({ tasks: { build: { dependsOn: ["^build"] } } })),
    "scripts/build.mjs": lines(`// ${version("scripts/build.mjs")}`),
  }),
  compiles: () => true,
  isCommon: (path) => ["package.json", "package-lock.json", "tsconfig.base.json"].includes(path),
};
