import { directoriesOf, lines, type Language } from "../model.ts";

export const php: Language = {
  name: "PHP",
  libraries: "libs",
  shares: false,
  styles: [
    {
      name: "by name",
      weight: 8,
      recipe: ({ directory }, needed) => ({
        dockerfile: lines(
          "FROM php:8.4-fpm",
          "WORKDIR /app",
          ...directoriesOf(needed).map((at) => `COPY ${at}/ ${at}/`),
          `RUN composer install --no-dev --working-dir=${directory}`,
        ),
        copies: directoriesOf(needed),
        keeps: true,
      }),
    },
    {
      name: "everything",
      weight: 0.5,
      recipe: ({ directory }) => ({
        dockerfile: lines(
          "FROM php:8.4-fpm",
          "WORKDIR /app",
          "COPY . .",
          `RUN composer install --no-dev --working-dir=${directory}`,
        ),
        copies: [""],
        keeps: true,
      }),
    },
  ],
  unitFiles: ({ unit, libraries, version }) => ({
    "composer.json": lines(
      JSON.stringify({
        name: `shop/${unit.name}`,
        version: `0.1.${version("composer.json")}`,
        repositories: libraries.map(({ directory }) => ({ type: "path", url: `../../${directory}` })),
        require: Object.fromEntries(libraries.map(({ name }) => [`shop/${name}`, "*"])),
      }),
    ),
    "src/index.php": lines("<?php", `const VERSION = ${version("src/index.php")};`),
    ...Object.fromEntries(
      unit.sources.map((source) => [`src/${source}.php`, lines("<?php", `return ${version(`src/${source}.php`)};`)]),
    ),
  }),
  rootFiles: (_units, version) => ({ "phpstan.neon": lines(`# ${version("phpstan.neon")}`) }),
  compiles: () => true,
  isCommon: () => false,
};
