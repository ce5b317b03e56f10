import importlib.metadata
import importlib.resources
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
SETUPTOOLS = PYPROJECT["tool"]["setuptools"]
FOLDERS = {"processengine": "processengine", **SETUPTOOLS["package-dir"]}


def folders_with_modules() -> Iterator[tuple[str, Path]]:
    """Yield the import name and the path of every folder that holds a module."""
    for name, folder in FOLDERS.items():
        top = ROOT / folder
        for path in {module.parent for module in top.rglob("*.py")}:
            yield ".".join([name, *path.relative_to(top).parts]), path


def lower_bounds() -> set[str]:
    """Return `name==version` for the lower bound of everything a user can install."""
    extras = PROJECT["optional-dependencies"]
    lists = [
        PROJECT["dependencies"],
        *(extras[name] for name in ("cli", "documents", "otel", "parallel", "prometheus", "zstd")),
    ]
    lines = [line for requirements in lists for line in requirements]
    return {line.replace(">=", "==") for line in lines if not line.startswith("processengine[")}


def test_every_folder_of_modules_is_shipped() -> None:
    assert sorted(SETUPTOOLS["packages"]) == sorted(name for name, _ in folders_with_modules())


def test_every_folder_of_modules_is_a_package() -> None:
    folders = [path for _, path in folders_with_modules()]
    assert [path for path in folders if not (path / "__init__.py").is_file()] == []


def test_the_type_marker_is_shipped() -> None:
    assert "py.typed" in SETUPTOOLS["package-data"]["processengine"]
    assert (importlib.resources.files("processengine") / "py.typed").is_file()


def test_the_installed_version_is_the_declared_one() -> None:
    assert importlib.metadata.version("processengine") == PROJECT["version"]


def test_every_lower_bound_is_the_version_tested_as_lowest() -> None:
    lines = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if not line.startswith("#")} == lower_bounds()
