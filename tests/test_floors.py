"""Imports go downward only, and some packages stay behind walls (docs/architecture.md). By AST."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 400
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)

FLOORS = {  # the longest prefix decides; files not named here belong to floor 0
    "cxr_demo.findings": 0,
    "cxr_demo.records": 0,
    "cxr_demo.errors": 0,
    "cxr_demo.units": 0,
    "cxr_demo.paths": 0,
    "cxr_demo.versions": 0,
    "cxr_demo.studies": 1,
    "cxr_demo.phantoms": 1,
    "cxr_demo.labelers": 1,
    "cxr_demo.decoding": 1,
    "cxr_demo.telemetry": 1,
    "cxr_demo.metrics": 1,
    "cxr_demo.store": 1,
    "cxr_demo.models": 2,
    "cxr_demo.weights": 2,
    "cxr_demo.datasets": 2,
    "cxr_demo.fit": 2,
    "cxr_demo.plots": 2,
    "cxr_demo.results": 2,
    "cxr_demo.calibration": 2,
    "cxr_demo.reading_notices": 1,
    "cxr_demo.pipelines": 3,
    "cxr_demo.worker": 4,
    "cxr_demo.evaluation": 4,
    "cxr_demo.ui": 5,
    "benchmarks": 5,
    "cxr_demo.cli": 6,
    "cxr_demo.__main__": 6,
    "app": 6,
}

WALLS = {  # package -> the only modules (prefixes) that may import it
    "pydicom": ("cxr_demo.studies",),
    "gradio": ("cxr_demo.ui", "app"),
    "sqlite3": ("cxr_demo.store",),
    "torch": (
        "cxr_demo.models",
        "cxr_demo.decoding",
        "cxr_demo.labelers.chexbert",
        "cxr_demo.telemetry",
        "cxr_demo.worker",
        "benchmarks",
    ),
    "transformers": ("cxr_demo.models", "cxr_demo.labelers.chexbert", "benchmarks"),
    "huggingface_hub": ("cxr_demo.weights",),
    "plotly": ("cxr_demo.plots", "cxr_demo.ui.plots", "benchmarks.plots"),
    "pynvml": ("cxr_demo.telemetry", "benchmarks"),
}

TORCH_FREE = (  # what the app's process imports, at module level and through others
    "cxr_demo.ui",
    "cxr_demo.cli",
    "cxr_demo.worker.client",
    "cxr_demo.models.cards",
    "cxr_demo.studies",
    "cxr_demo.telemetry.doctor",
    "cxr_demo.fit",
    "app",
)


@dataclass(frozen=True)
class Import:
    """`module` imports `target` (dotted); `eager` if that happens when `module` is imported."""

    module: str
    target: str
    line: int
    eager: bool


def files():
    found = [ROOT / "app.py"] if (ROOT / "app.py").exists() else []
    for folder in ("cxr_demo", "benchmarks"):
        found += sorted((ROOT / folder).rglob("*.py"))
    return found


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def lazy_nodes(tree):
    """Nodes that do not run when the module is imported."""
    lazy = set()
    for node in ast.walk(tree):
        inside_function = isinstance(node, (*FUNCTION, ast.Lambda))
        only_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if inside_function or only_for_types:
            lazy.update(id(each) for each in ast.walk(node))
    return lazy


def imports_of(path):
    module, tree = module_of(path), tree_of(path)
    lazy = lazy_nodes(tree)
    for node in ast.walk(tree):
        eager = id(node) not in lazy
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, eager)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}:{node.lineno} imports relatively"
            for alias in node.names:
                yield Import(module, f"{node.module}.{alias.name}", node.lineno, eager)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            argument = node.args[0]
            if isinstance(argument, ast.Constant):
                yield Import(module, str(argument.value), node.lineno, eager)


IMPORTS = [each for path in files() for each in imports_of(path)]
MODULES = {module_of(path) for path in files()}
EAGER = {module: set() for module in MODULES}
for _each in IMPORTS:
    if _each.eager:
        EAGER[_each.module].add(_each.target)


def covers(prefix, name):
    # cli.py, cli_read.py, ... are one place; everything else is bounded by dots
    return name == prefix or name.startswith((prefix + ".", prefix + "_"))


def floor(name):
    known = [prefix for prefix in FLOORS if covers(prefix, name)]
    return FLOORS[max(known, key=len)] if known else None


def test_every_module_stands_on_a_floor():
    assert {each for each in MODULES if floor(each) is None} <= {"cxr_demo"}
    assert len(MODULES) > 50


def test_imports_go_downward_only():
    upward = [
        f"{each.module}:{each.line} (floor {floor(each.module)}) imports {each.target}"
        for each in IMPORTS
        if (floor(each.target) or 0) > (floor(each.module) or 0)
    ]
    assert not upward, "\n".join(upward)


@pytest.mark.parametrize("package", WALLS)
def test_walls(package):
    through = [
        f"{each.module}:{each.line}"
        for each in IMPORTS
        if each.target.split(".")[0] == package
        and not any(covers(place, each.module) for place in WALLS[package])
    ]
    assert not through, f"{package} is imported in {', '.join(through)}"


def eager_closure(start):
    """Everything that is imported when `start` is, through modules of this repository."""
    seen, todo = set(), [start]
    while todo:
        # `from a.b import c` runs a, a.b and, if it is a module, a.b.c
        parts = todo.pop().split(".")
        for name in (".".join(parts[:n]) for n in range(1, len(parts) + 1)):
            if name not in seen:
                seen.add(name)
                todo += EAGER.get(name, ())
    return {each.split(".")[0] for each in seen}


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith(TORCH_FREE)))
def test_the_app_process_imports_no_torch(module):
    assert not {"torch", "transformers", "bitsandbytes"} & eager_closure(module)


def test_the_worker_imports_no_gradio():
    assert "gradio" not in eager_closure("cxr_demo.worker.__main__")
    assert "torch" not in eager_closure("cxr_demo.worker.__main__")  # it answers first


@pytest.mark.parametrize("path", files(), ids=module_of)
def test_no_file_is_long_and_public_functions_are_typed_and_described(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    wrong = []
    for node, owner in functions(ast.parse(text)):
        name = f"{owner}{node.name}"
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for each in arguments[1 if owner and is_method(node) else 0 :]:
            if each.annotation is None:
                wrong.append(f"{name}: {each.arg} has no type")
        if node.returns is None:
            wrong.append(f"{name}: no return type")
        if ast.get_docstring(node) is None and not inherited(node):
            wrong.append(f"{name}: no docstring")
    assert not wrong, "\n".join(wrong)


def test_no_test_file_is_long():
    tests = (ROOT / "tests").rglob("*.py")
    assert not [each.name for each in tests if len(each.read_text().splitlines()) > LONGEST_FILE]


def functions(tree, owner=""):
    """Public functions and methods of public classes."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from functions(node, f"{node.name}.")
        elif isinstance(node, FUNCTION) and not node.name.startswith("_"):
            yield node, owner


def is_method(node):
    return not any(ast.unparse(each) == "staticmethod" for each in node.decorator_list)


def inherited(node):
    return any(ast.unparse(each).endswith("override") for each in node.decorator_list)
