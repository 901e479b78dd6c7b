import { directoriesOf, lines, type Language } from "../model.ts";

export const python: Language = {
  name: "Python",
  libraries: "libs",
  shares: true,
  styles: [
    {
      name: "workspace",
      weight: 4,
      recipe: ({ name }) => ({
        dockerfile: lines(
          "FROM python:3.13-slim",
          "WORKDIR /app",
          "RUN pip install --no-cache-dir uv",
          "COPY . .",
          `RUN uv sync --frozen --no-dev --package ${name}`,
          `CMD ["python", "-m", "${name}_app"]`,
        ),
        copies: [""],
        keeps: true,
      }),
    },
    {
      name: "imports",
      weight: 3,
      recipe: ({ name, directory }) => ({
        dockerfile: lines(
          "FROM python:3.13-slim",
          "WORKDIR /app",
          "ENV PYTHONPATH=/app:/app/libs",
          "COPY . .",
          `RUN pip install --no-cache-dir -r ${directory}/requirements.txt`,
          `CMD ["python", "${directory}/src/${name}_app/__main__.py"]`,
        ),
        copies: [""],
        keeps: true,
      }),
    },
    {
      name: "by name",
      weight: 3,
      recipe: ({ name, directory }, needed) => ({
        dockerfile: lines(
          "FROM python:3.13-slim",
          "WORKDIR /app",
          "COPY shared shared",
          ...directoriesOf(needed).map((at) => `COPY ${at} ${at}`),
          `RUN pip install -r ${directory}/requirements.txt`,
          `CMD ["python", "-m", "${name}_app"]`,
        ),
        copies: ["shared", ...directoriesOf(needed)],
        keeps: true,
      }),
    },
    {
      name: "a program of the repository",
      weight: 0.3,
      recipe: ({ name }) => ({
        dockerfile: lines(
          "FROM python:3.13-slim",
          "WORKDIR /app",
          "COPY . .",
          "RUN python scripts/prepare.py",
          `CMD ["python", "-m", "${name}_app"]`,
        ),
        copies: [""],
        keeps: true,
        reads: ["scripts/prepare.py"],
      }),
    },
  ],
  unitFiles: ({ unit, libraries, version }) => {
    const module = unit.kind === "service" ? `${unit.name}_app` : unit.name;
    const main = `src/${module}/${unit.kind === "service" ? "__main__" : "core"}.py`;
    return {
      "pyproject.toml": lines(
        "[project]",
        `name = "${unit.name}"`,
        `version = "0.1.${version("pyproject.toml")}"`,
        `dependencies = ${JSON.stringify(libraries.map(({ name }) => name))}`,
        "[tool.uv.sources]",
        ...libraries.map(({ name }) => `${name} = { workspace = true }`),
      ),
      "requirements.txt": lines(
        "httpx",
        ...libraries.map(({ directory }) => `-e ../../${directory}`),
        `# ${version("requirements.txt")}`,
      ),
      [`src/${module}/__init__.py`]: lines(`version = ${version(`src/${module}/__init__.py`)}`),
      [main]: lines(
        "from pathlib import Path",
        ...libraries.map(({ name }) => `from ${name} import core as ${name}_core`),
        ...unit.sources.map((source) => `from . import ${source}`),
        ...unit.shares.map((file) => `${file} = (Path(__file__).parents[4] / "shared" / "${file}.json").read_text()`),
        `version = ${version(main)}`,
      ),
      ...Object.fromEntries(
        unit.sources.map((source) => [
          `src/${module}/${source}.py`,
          lines(`v = ${version(`src/${module}/${source}.py`)}`),
        ]),
      ),
      "tests/test_it.py": lines(`def test_it(): assert ${version("tests/test_it.py")} >= 0`),
    };
  },
  rootFiles: (_units, version) => ({
    "pyproject.toml": lines("[tool.uv.workspace]", 'members = ["libs/*", "svc/*"]', `# ${version("pyproject.toml")}`),
    "uv.lock": lines("version = 1", `# ${version("uv.lock")}`),
    "scripts/prepare.py": lines(`# ${version("scripts/prepare.py")}`),
  }),
  compiles: () => true,
  isCommon: (path) => path === "pyproject.toml" || path === "uv.lock",
};
