import { describe, expect, test } from "vitest";
import { pythonNames } from "../../../../cli/affected/python-imports.ts";
import { readPython } from "../../../../cli/affected/python-command.ts";
import { affectedServices, everything, expectAffected } from "../../../support/affected-table.ts";

const image = (...lines: string[]): string =>
  `FROM python\nWORKDIR /app\nCOPY . .\n${lines.map((line) => `${line}\n`).join("")}`;

/** Services whose code is found from the root, and shared packages without projects. */
const plain: Record<string, string> = {
  "svc/a/Dockerfile": image("RUN pip install -r svc/a/requirements.txt", 'CMD ["python", "-m", "svc.a.main"]'),
  "svc/a/main.py":
    "import json\nfrom libs.common import db\nfrom svc.b.models import User, Order\nimport libs.money as m\n",
  "svc/a/requirements.txt": "-r ../../requirements/base.txt\nrequests==2.32\n",
  "svc/b/Dockerfile": image('CMD ["python", "svc/b/app.py"]'),
  "svc/b/app.py": "from .models import User\n",
  "svc/b/models.py": "from libs import clock\n",
  "svc/b/views.py": "",
  "libs/__init__.py": "",
  "libs/common/__init__.py": "",
  "libs/common/db.py": "from . import pool\n",
  "libs/common/pool.py": "",
  "libs/common/unused.py": "",
  "libs/clock.py": "",
  "libs/money.py": "",
  "libs/other.py": "",
  "requirements/base.txt": "redis\n",
};

test("modules count by their imports, and what is beside them as they do", () => {
  expectAffected(plain, {
    "svc/a/main.py": "a",
    "svc/a/data.json": "a",
    "svc/b/models.py": "a b",
    "svc/b/views.py": "b",
    "svc/b/schema.json": "a b",
    "libs/__init__.py": "a b",
    "libs/common/db.py": "a",
    "libs/common/pool.py": "a",
    "libs/common/unused.py": "",
    "libs/clock.py": "a b",
    "libs/money.py": "a",
    "libs/other.py": "",
    "libs/rates.csv": "a b",
    "requirements/base.txt": "a b",
    "tools/check.py": "",
    "config/x.yaml": "a b",
    "gunicorn.conf.py": "a b",
    // What is there no more.
    "libs/common/db/__init__.py": "a",
  });
});

describe("a uv workspace", () => {
  const project = (name: string, dependencies: readonly string[] = [], more = ""): string =>
    `[project]\nname = "${name}"\ndependencies = ${JSON.stringify(dependencies)}\n${more}`;
  const workspace = {
    "pyproject.toml":
      '[project]\nname = "shop"\n[tool.uv.workspace]\nmembers = ["packages/*", "svc/*"]\nexclude = ["packages/old"]\n',
    "svc/a/Dockerfile": image("RUN uv sync --frozen --package a"),
    "svc/a/pyproject.toml": project(
      "a",
      ["Shop_Common>=1", "fastapi"],
      "[tool.uv.sources]\nshop-common = { workspace = true }\n",
    ),
    "svc/a/src/a/main.py": "import shop_common\n",
    "svc/b/Dockerfile": image("RUN uv sync --package b"),
    "svc/b/pyproject.toml": project(
      "b",
      [],
      '[tool.uv.sources]\nextra = { path = "../../vendor/extra", editable = true }\n',
    ),
    "svc/b/src/b/main.py": "",
    "packages/common/pyproject.toml": project("shop-common", ["shop-deep"]),
    "packages/common/src/shop_common/__init__.py": "",
    "packages/deep/pyproject.toml": project("shop-deep"),
    "packages/deep/src/shop_deep/__init__.py": "",
    "packages/unused/pyproject.toml": project("unused"),
    "packages/unused/src/unused/__init__.py": "",
    "packages/old/pyproject.toml": project("old"),
    "vendor/extra/pyproject.toml": project("extra"),
    "vendor/extra/extra/__init__.py": "",
  };

  test("counts by what its projects depend on", () => {
    expectAffected(workspace, {
      "uv.lock": "a b",
      "pyproject.toml": "a b",
      "svc/a/pyproject.toml": "a",
      "packages/common/src/shop_common/x.py": "a",
      "packages/common/data/x.json": "a",
      "packages/common/pyproject.toml": "a",
      "packages/deep/src/shop_deep/x.py": "a",
      "packages/unused/src/unused/x.py": "",
      "packages/unused/README.md": "",
      "packages/old/x.py": "",
      "vendor/extra/extra/x.py": "b",
    });
  });

  test("and by what is installed beside", () => {
    const all = { ...workspace, "svc/b/Dockerfile": image("RUN uv sync --all-packages") };
    expectAffected(all, { "packages/unused/src/unused/x.py": "b", "packages/common/x.py": "a b" });
    const pip = { ...workspace, "svc/b/Dockerfile": image("RUN pip install ./packages/unused -e packages/common[x]") };
    expectAffected(pip, { "packages/unused/src/unused/x.py": "b", "packages/deep/x.py": "a b" });
  });
});

test("projects count by paths: of poetry, of setup.py, of files of requirements", () => {
  const files = {
    "svc/a/Dockerfile": image("RUN cd svc/a && poetry install --only main"),
    "svc/a/pyproject.toml":
      '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\ncommon = { path = "../../libs/common", develop = true }\n',
    "svc/a/a.py": "",
    "svc/b/Dockerfile": image("RUN pip install -r svc/b/requirements.txt"),
    "svc/b/requirements.txt": "-e ../../libs/money[fast]\nclock @ file:../../libs/clock\n",
    "svc/b/b.py": "",
    "libs/common/setup.py": 'setup(install_requires=["x"])',
    "libs/money/pyproject.toml": '[project]\nname = "money"\n',
    "libs/clock/setup.cfg": "",
    "libs/other/setup.py": "",
  };
  expectAffected(files, {
    "libs/common/x.py": "a",
    "libs/money/x.txt": "b",
    "libs/clock/x.py": "b",
    "libs/other/x.py": "",
    "libs/other/x.txt": "",
    "libs/x.txt": "a b",
  });
});

describe("what a service has of another", () => {
  const found = (source: string, more: Record<string, string> = {}): string => {
    const files = {
      "svc/a/Dockerfile": image("RUN pip install requests"),
      "svc/a/main.py": source,
      "svc/b/Dockerfile": image(),
      "svc/b/__init__.py": "",
      "svc/b/models.py": "",
      "svc/b/plugins/x.py": "",
      "svc/b/data.json": "",
      ...more,
    };
    const table = affectedServices(files, ["svc/b/models.py", "svc/b/plugins/x.py", "svc/b/data.json", "svc/b/new.py"]);
    return Object.entries(table)
      .flatMap(([file, services]) => (/\ba\b/.test(services) ? [file.slice("svc/b/".length)] : []))
      .join(" ");
  };
  const all = "models.py plugins/x.py data.json new.py";

  test.each<[source: string, what: string]>([
    ["import os", ""],
    ["import svc.b.models", "models.py data.json"],
    ["from svc.b import models, plugins", "models.py data.json"],
    ["from svc.b import (\n  plugins,  # all of them\n  models\n)", "models.py data.json"],
    ["try:\n    from svc.b.new import X\nexcept ImportError: pass", "data.json new.py"],
    ["def f():\n    import svc.b.models as m", "models.py data.json"],
    ["from svc.b import \\\n  models", "models.py data.json"],
    ["from ..b import models", "models.py data.json"],
    ["from ..b.plugins.x import *", "plugins/x.py data.json"],
    ["import sys; sys.path.append('svc'); import b.models", "models.py data.json"],
    ["sys.path.insert(0, '/app/svc/b')\nimport models", "models.py data.json"],
    ["import models", "models.py data.json"],
    ["importlib.import_module('svc.b.models')", "models.py data.json"],
    ["INSTALLED_APPS = ['svc.b']", all],
    ["INSTALLED_APPS = ['svc.b.apps.Config']", "data.json"],
    ["open('svc/b/data.json')", "data.json"],
    ["open('../b/data.json')", "data.json"],
    ["open('/app/svc/b/data.json')", "data.json"],
    ["open(Path(__file__).parent / 'data.json')", ""],
    ["open(Path(__file__).parents[1] / 'b' / 'data.json')", all],
    ["open(Path(__file__).parents[2] / 'svc/b/data.json')", all],
    ["open(os.path.join(dirname(dirname(__file__)), 'b', 'data.json'))", all],
    ["for at in Path(__file__).parents[1].iterdir(): load(at)", all],
    ["importlib.import_module(f'svc.{name}.models')", all],
    ["__import__(name)", all],
    ["exec(open(path).read())", all],
    ["cursor.exec(query); Path('x').glob('*')", ""],
  ])("%j", (source, what) => {
    expect(found(source)).toBe(what);
  });

  test.each<[why: string, files: Record<string, string>]>([
    ["a command is not understood", { "svc/a/Dockerfile": image("RUN python manage.py collectstatic") }],
    ["it runs a script of its own while it is built", { "svc/a/Dockerfile": image("RUN ./svc/a/setup.sh") }],
    ["there is other code in the service", { "svc/a/x.rb": "" }],
    ["what is not known what it installs", { "svc/a/Dockerfile": image("RUN pip install $PACKAGES") }],
  ])("all of it, where %s", (_why, files) => {
    expect(found("import os", files)).toBe(all);
  });

  test("what its Dockerfile and its settings start", () => {
    expect(found("", { "svc/a/Dockerfile": image('CMD ["uvicorn", "svc.b.models:app"]') })).toBe("models.py data.json");
    expect(found("", { "svc/a/run.sh": "exec python -m svc.b.models" })).toBe("models.py data.json");
    expect(found("", { "svc/a/service.yaml": "env: { APP: svc.b.models }" })).toBe("models.py data.json");
    expect(found("import models", { "svc/a/Dockerfile": image("ENV PYTHONPATH=/app:/app/svc/b") })).toBe(
      "models.py data.json",
    );
  });

  test("its own code comes before what has the same name elsewhere", () => {
    expect(found("import models", { "svc/a/models.py": "" })).toBe("");
  });

  test("what it copies by name counts, and what it does not copy never does", () => {
    const named = { "svc/a/Dockerfile": "FROM python\nCOPY svc/b /b\nCOPY svc/a /a\n" };
    expect(found("", named)).toBe(all);
    expect(found("import svc.b.models", { "svc/a/Dockerfile": "FROM python\nCOPY svc/a /a\n" })).toBe("");
    expect(found("", { "svc/a/Dockerfile": everything })).toBe("");
  });
});

test.each<[text: string, imports: string[]]>([
  ["import a, b.c as d", ["a", "b.c"]],
  ["from a.b import c as d, e", ["a.b", "a.b.c", "a.b.e"]],
  ["from . import x\nfrom .y import z\nfrom ..w import (q,\n r)", [".", ".x", ".y", ".y.z", "..w", "..w.q", "..w.r"]],
  ["from a import *", ["a"]],
  ["if x: import y", ["y"]],
  ["x = 1; import y # import z", ["y"]],
  ["from a import (b", ["a", "a.b"]],
  ["# import x", []],
])("imports of %j", (text, imports) => {
  expect([...pythonNames(text, true).imports]).toEqual(imports);
});

test.each<[command: string, tools: string[]]>([
  ["pip install --no-cache-dir -r requirements.txt", ["python"]],
  ["python3.12 -m pip install .", ["python"]],
  ["pip install $X", ["unknown"]],
  ["uv sync --frozen --no-dev", ["python"]],
  ["uv pip install -e libs/a", ["python"]],
  ["uv run x", ["unknown"]],
  ["uv venv", []],
  ["poetry config virtualenvs.create false", []],
  ["poetry install --no-root", ["python"]],
  ["poetry run x", ["unknown"]],
  ["python setup.py build", ["unknown"]],
  ["python -m compileall .", []],
  ["pip --version", []],
])("%s", (command, tools) => {
  const [program = "", ...words] = command.split(" ");
  expect(readPython(program, words).tools).toEqual(tools);
});

test("packages named like what tools make are followed, and parts of namespace packages elsewhere", () => {
  const files = {
    "svc/a/Dockerfile": image('CMD ["python", "-m", "svc.a.main"]'),
    "svc/a/main.py": "from acme.money import rates\n",
    "svc/a/acme/own.py": "",
    "svc/a/build/run.py": "from libs import steps\n",
    "svc/b/Dockerfile": image('CMD ["python", "/app/svc/a/task.py"]'),
    "svc/b/main.py": 'RUN = "/svc/a/task.py"\n',
    "svc/a/task.py": "",
    "libs/steps.py": "",
    "libs/money/py/acme/money.py": "",
    "libs/other/py/acme/other.py": "",
  };
  expectAffected(files, {
    "libs/steps.py": "a",
    "libs/money/py/acme/money.py": "a",
    "libs/other/py/acme/other.py": "",
    "svc/a/task.py": "a b",
  });
});

test.each<[source: string, imports: readonly string[]]>([
  ["from.sib import q\n", [".sib", ".sib.q"]],
  ["from libs . a import b\n", ["libs.a", "libs.a.b"]],
  ["from libs.\\\n  a import b\n", ["libs.a", "libs.a.b"]],
  ["import libs . a as x\n", ["libs.a"]],
  ["from ... import(k)\n", ["...", "...k"]],
  ["fromage = 1\n", []],
])("%j imports %j", (source, imports) => expect([...pythonNames(source, true).imports]).toEqual(imports));

test.each<[source: string, dynamic: boolean]>([
  ["from importlib import import_module\nimport_module('a.b')\n", false],
  ["from importlib import (\n  import_module,\n)\nimport_module('a')\n", false],
  ["from importlib import import_module as im\nim(x)\n", true],
  ["list(map(import_module, names))\n", true],
  ["import_module('.one', 'plug')\n", true],
  ["spec_from_file_location('x', path)\n", true],
  ["spec_from_file_location('x', 'a/b.py')\n", false],
])("%j imports what no statement says: %j", (source, dynamic) =>
  expect(pythonNames(source, true).dynamic).toBe(dynamic),
);

test.each([
  ["lib @ file:///app/libs/lib", "/app/libs/lib"],
  ["lib[x] @ file:libs/lib", "libs/lib"],
  ["./libs/lib[x]", "./libs/lib"],
])("pip install %j installs %s", (word, path) =>
  expect(readPython("pip", ["install", word]).python?.paths).toEqual([path]),
);
