import { directoriesOf, handOver, lines, type Language } from "../model.ts";

/** An ignore file that lets only some directories and files in, and what it leaves out. */
function only(kept: readonly string[]): { ignore: string; hides: (path: string) => boolean } {
  return {
    ignore: lines("*", ...kept.map((path) => `!${path}`)),
    hides: (path) => !kept.some((one) => path === one || path.startsWith(`${one}/`)),
  };
}

export const java: Language = {
  name: "Java",
  libraries: "libs",
  shares: false,
  styles: [
    {
      name: "by name",
      weight: 9,
      recipe: ({ name, directory }, needed) => ({
        dockerfile: lines(
          "FROM maven:3-eclipse-temurin-21 AS build",
          "WORKDIR /src",
          "COPY pom.xml ./",
          ...directoriesOf(needed).map((at) => `COPY ${at} ${at}`),
          `RUN mvn -q -pl ${directory} -am package`,
          ...handOver(name, `/src/${directory}/target/${name}.jar`),
        ),
        copies: ["pom.xml", ...directoriesOf(needed)],
        keeps: false,
        readsAll: true,
      }),
    },
    {
      name: "what is let in",
      weight: 0.4,
      recipe: ({ name, directory }) => ({
        dockerfile: lines(
          "FROM maven:3-eclipse-temurin-21 AS build",
          "COPY . .",
          `RUN mvn -q -pl ${directory} -am package -DskipTests`,
          ...handOver(name, `/${directory}/target/${name}.jar`),
        ),
        ...only(["pom.xml", "libs", directory]),
        copies: [""],
        keeps: false,
      }),
    },
    {
      name: "everything",
      weight: 0.4,
      recipe: ({ name, directory }) => ({
        dockerfile: lines(
          "FROM maven:3-eclipse-temurin-21 AS build",
          "COPY . .",
          `RUN mvn -q -pl ${directory} -am package -DskipTests`,
          ...handOver(name, `/${directory}/target/${name}.jar`),
        ),
        copies: [""],
        keeps: false,
      }),
    },
  ],
  unitFiles: ({ unit, libraries, version }) => ({
    "pom.xml": lines(
      `<project><artifactId>${unit.name}</artifactId><version>${version("pom.xml")}</version><dependencies>`,
      ...libraries.map(({ name }) => `<dependency><artifactId>${name}</artifactId></dependency>`),
      "</dependencies></project>",
    ),
    "src/main/java/App.java": lines(`class App { int version = ${version("src/main/java/App.java")}; }`),
    ...Object.fromEntries(
      unit.sources.map((source) => [
        `src/main/java/${source}.java`,
        lines(`class ${source} { int v = ${version(`src/main/java/${source}.java`)}; }`),
      ]),
    ),
    "src/test/java/AppTest.java": lines(`class AppTest { int v = ${version("src/test/java/AppTest.java")}; }`),
  }),
  rootFiles: (units, version) => ({
    "pom.xml": lines(
      "<project><modules>",
      ...units.map(({ directory }) => `<module>${directory}</module>`),
      `</modules><version>${version("pom.xml")}</version></project>`,
    ),
  }),
  compiles: (path) => path === "pom.xml" || path.startsWith("src/main/"),
  isCommon: (path) => path === "pom.xml",
};
