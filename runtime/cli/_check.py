"""`processengine check`: everything that is wrong or doubtful about a file."""

from __future__ import annotations

import argparse

from ..definition import DefinitionError, ProcessDefinition
from ._loading import load
from ._output import Output
from ._plain import fault_data
from ._words import counted


def check(arguments: argparse.Namespace, output: Output) -> int:
    """Report faults and warnings; status 2 if there are faults."""
    try:
        definition = load(arguments.file, arguments.nodes)
    except DefinitionError as error:
        _report_faults(error, arguments.file, output)
        return 2
    _report(definition, arguments.file, output)
    return 0


def _report_faults(error: DefinitionError, file: str, output: Output) -> None:
    output.line(str(error))
    faults = [fault_data(fault) for fault in error.faults]
    output.document({"file": file, "definition": None, "faults": faults, "warnings": []})


def _report(definition: ProcessDefinition, file: str, output: Output) -> None:
    nodes = counted(len(definition.nodes), "node")
    connections = counted(len(definition.connections), "connection")
    output.line(f"{file}: {definition}, {nodes}, {connections}, no faults", "green")
    for finding in definition.warnings:
        output.line(f"  warning: {finding}", "yellow")
    warnings = [{"place": each.place, "message": each.message} for each in definition.warnings]
    output.document(
        {"file": file, "definition": str(definition), "faults": [], "warnings": warnings}
    )
