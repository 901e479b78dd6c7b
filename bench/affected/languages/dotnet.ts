import { directoriesOf, handOver, lines, type Language } from "../model.ts";

export const dotnet: Language = {
  name: "C#",
  libraries: "libs",
  shares: false,
  styles: [
    {
      name: "by name",
      weight: 9,
      recipe: ({ name, directory }, needed) => ({
        dockerfile: lines(
          "FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build",
          "WORKDIR /src",
          "COPY Directory.Build.props ./",
          ...directoriesOf(needed).map((at) => `COPY ["${at}/", "${at}/"]`),
          `RUN dotnet publish ${directory}/${name}.csproj -c Release -o /out`,
          ...handOver(name, "/out"),
        ),
        copies: ["Directory.Build.props", ...directoriesOf(needed)],
        keeps: false,
        readsAll: true,
      }),
    },
    {
      name: "everything",
      weight: 0.6,
      recipe: ({ name, directory }) => ({
        dockerfile: lines(
          "FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build",
          "WORKDIR /src",
          "COPY . .",
          `RUN dotnet publish ${directory}/${name}.csproj -c Release -o /out`,
          ...handOver(name, "/out"),
        ),
        copies: [""],
        keeps: false,
      }),
    },
  ],
  unitFiles: ({ unit, libraries, version }) => ({
    [`${unit.name}.csproj`]: lines(
      '<Project Sdk="Microsoft.NET.Sdk"><ItemGroup>',
      ...libraries.map(({ name }) => `<ProjectReference Include="..\\..\\libs\\${name}\\${name}.csproj" />`),
      `</ItemGroup><!-- ${version(`${unit.name}.csproj`)} --></Project>`,
    ),
    "Program.cs": lines(`const int Version = ${version("Program.cs")};`),
    ...Object.fromEntries(
      unit.sources.map((source) => [`${source}.cs`, lines(`class ${source} { int v = ${version(`${source}.cs`)}; }`)]),
    ),
    "appsettings.json": lines(`{"version": ${version("appsettings.json")}}`),
  }),
  rootFiles: (_units, version) => ({
    "Directory.Build.props": lines(`<Project><!-- ${version("Directory.Build.props")} --></Project>`),
    "shop.sln": lines(`# ${version("shop.sln")}`),
  }),
  compiles: () => true,
  isCommon: (path) => path === "Directory.Build.props",
};
