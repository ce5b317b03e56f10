"""What cannot be done is refused with status 2 and one line that names the offender."""

from pathlib import Path

import pytest

from .conftest import Engine

ORDER = ("run", "order.yaml", "--nodes", "shop.py")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["run", "no.json"], "no.json: there is no such file"),
        (["run", "."], ".: is a folder; name a file in it"),
        (["check", "."], ".: is a folder; name a file in it"),
        (["run", "shop.py"], "shop.py: file: expected a name that ends in .json, .toml, .yaml"),
        ([*ORDER, "--nodes", "none"], "--nodes none: there is no module 'none'"),
        ([*ORDER, "--nodes", "json.none"], "--nodes json.none: there is no module 'json.none'"),
        ([*ORDER, "--nodes", "none.py"], "--nodes none.py: there is no such file"),
        ([*ORDER, "--nodes", "raises.py"], "--nodes raises.py: ZeroDivisionError: "),
        ([*ORDER, "--nodes", "syntax.py"], "--nodes syntax.py: "),
        ([*ORDER, "--nodes", "exits.py"], "--nodes exits.py: SystemExit: 3"),
        ([*ORDER, "--nodes", "imports.py"], "--nodes imports.py: ModuleNotFoundError: "),
        ([*ORDER, "--nodes", "stars.py"], "stars: stars(args): expected a parameter that"),
        ([*ORDER, "--input", "total"], "--input total: expected NAME=VALUE"),
        ([*ORDER, "--input", "=3"], "--input =3: expected NAME=VALUE"),
        ([*ORDER, "--input", "total=@no.json"], "--input total=@no.json: cannot be read: No such"),
        ([*ORDER, "--input", "total=@bad.json"], "--input total=@bad.json: is not JSON: "),
        ([*ORDER, "--input", "total=@deep.json"], "--input total=@deep.json: is not JSON: "),
        ([*ORDER, "--input", "total=@latin.txt"], "--input total=@latin.txt: is not text in UTF-8"),
        ([*ORDER, "--input", "total=1", "--input", "total=2"], "--input total: given twice"),
        ([*ORDER, "--input", "total=text"], "inputs of order v2: total: expected an int, got"),
        ([*ORDER, "--input", "totl=1"], "inputs of order v2: totl: expected a declared input"),
        ([*ORDER, "--option", "workers=1"], "--option: workers: unknown option"),
        ([*ORDER, "--option", "cancel_grace=-1"], "--option: cancel_grace: expected a number"),
        ([*ORDER, "--signal", "approval"], "--signal approval: expected NAME=VALUE"),
        ([*ORDER, "--timeout", "soon"], "argument --timeout: expected a number of seconds"),
        ([*ORDER, "--timeout", "0"], "argument --timeout: expected a number of seconds above 0"),
        ([*ORDER, "--frob"], "unrecognized arguments: --frob"),
        (["frob"], "argument COMMAND: invalid choice: 'frob'"),
        ([], "the following arguments are required: COMMAND"),
        (["simulate", *ORDER[1:], "--workers", "0"], "argument --workers: expected a whole number"),
        (["simulate", *ORDER[1:], "--seed", "x"], "argument --seed: expected a whole number from"),
        (["simulate", *ORDER[1:], "--duration", "charge=x"], "--duration charge: expected a num"),
        (["simulate", *ORDER[1:], "--duration", "ship"], "--duration ship: expected NODE=SECONDS"),
        (["simulate", *ORDER[1:], "--duration", "no=1"], "durations for order v2: 'no' is no node"),
        (["graph", "order.yaml", "-o", "x.png"], "--output x.png: expected a name that ends in"),
        (["graph", "order.yaml", "-o", "x.PDF"], "--output x.PDF: expected a name that ends in"),
        (["graph", "order.yaml", "-o", "no/where.svg"], "no/where.svg: cannot be written: No such"),
    ],
)  # fmt: skip
def test_a_misuse_is_answered_with_one_line(
    order: Path, processengine: Engine, arguments: list[str], problem: str
) -> None:
    (order / "raises.py").write_text("1 / 0\n")
    (order / "syntax.py").write_text("def (\n")
    (order / "exits.py").write_text("raise SystemExit(3)\n")
    (order / "imports.py").write_text("import nothing_of_that_name\n")
    (order / "stars.py").write_text("def stars(*args): ...\n")
    (order / "bad.json").write_text("{")
    (order / "deep.json").write_text("[" * 100_000)
    (order / "latin.txt").write_bytes("größe".encode("latin-1"))
    ran = processengine(*arguments)
    assert ran.status == 2
    assert ran.problem.startswith("processengine")
    assert f": {problem}" in ran.problem


def test_all_faults_of_a_file_are_listed(order: Path, processengine: Engine) -> None:
    ran = processengine("run", "order.yaml")
    assert ran.status == 2
    assert ran.err.splitlines() == [
        "processengine: order.yaml: 3 faults",
        "  nodes.reserve.type: expected a registered node type (none), got 'reserve'",
        "  nodes.charge.type: expected a registered node type (none), got 'charge'",
        "  nodes.refund.type: expected a registered node type (none), got 'refund'",
        "  say where the functions are: --nodes MODULE, or `modules` in the file",
    ]


def test_with_some_functions_at_hand_nothing_is_said_about_where_they_are(
    order: Path, processengine: Engine
) -> None:
    (order / "other.py").write_text("def other(): ...\n")
    ran = processengine("run", "order.yaml", "--nodes", "other.py")
    assert ran.status == 2
    assert "--nodes" not in ran.err


def test_with_json_a_refusal_is_a_document_too(order: Path, processengine: Engine) -> None:
    ran = processengine("run", "order.yaml", "--json")
    assert ran.status == 2
    assert len(ran.document["faults"]) == 3
    assert ran.document["faults"][0] == {
        "place": "nodes.reserve.type",
        "value": "'reserve'",
        "expected": "a registered node type (none)",
    }


def test_with_json_arguments_that_are_not_understood_give_a_document_too(
    order: Path, processengine: Engine
) -> None:
    ran = processengine(*ORDER, "--timeout", "soon", "--json")
    assert ran.status == 2
    assert ran.document["faults"] == []
    assert ran.document["error"].startswith("argument --timeout: expected a number of seconds")


def test_a_missing_extra_is_answered_with_what_to_install(
    order: Path, processengine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ran = processengine(*ORDER)
    assert ran.status == 2
    assert ran.problem.endswith("needs the package rich: pip install 'processengine[cli]'")


def test_help_names_every_command(processengine: Engine) -> None:
    ran = processengine("--help")
    assert ran.status == 0
    assert all(command in ran.out for command in ("run", "check", "graph", "simulate"))


def test_the_version_is_shown(processengine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processengine.runtime.cli._arguments.version", lambda name: "1.2.3")
    assert processengine("--version").out == "processengine 1.2.3\n"
