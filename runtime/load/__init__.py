"""Load tests: many executions at once, what they took, what was aimed at, and what has changed.

Drives the engine from outside, as a host does, and decides nothing in it. What is decided (targets,
comparisons, plans) is decided by functions of reports. Start reading at `_scenario`, then `_round`,
`_measure` and `_comparison`.
"""

from ._bodies import NOOP, SLEEP, Body
from ._comparison import Change, Comparison, compare_reports
from ._errors import LoadTestInTrio, UnfitScenario, UnreadableReport
from ._figures import FIGURES, Figure, Figures, Spread, milliseconds
from ._machine import facts
from ._measure import LoadProgress, load_test, measure_load
from ._page import report_page
from ._plan import ASSUMPTIONS, Demand, Limit, Plan, UnfitPlan, plan_capacity
from ._report import (
    LoadReport,
    ScenarioReport,
    Setup,
    Verdict,
    parse_report,
    read_report,
)
from ._scenario import Scenario, Target
from ._standard import SCENARIOS
from ._words import change_words, comparison_lines, report_text, scenario_lines

__all__ = [
    "ASSUMPTIONS",
    "FIGURES",
    "NOOP",
    "SCENARIOS",
    "SLEEP",
    "Body",
    "Change",
    "Comparison",
    "Demand",
    "Figure",
    "Figures",
    "Limit",
    "LoadProgress",
    "LoadReport",
    "LoadTestInTrio",
    "Plan",
    "Scenario",
    "ScenarioReport",
    "Setup",
    "Spread",
    "Target",
    "UnfitPlan",
    "UnfitScenario",
    "UnreadableReport",
    "Verdict",
    "change_words",
    "compare_reports",
    "comparison_lines",
    "facts",
    "load_test",
    "measure_load",
    "milliseconds",
    "parse_report",
    "plan_capacity",
    "read_report",
    "report_page",
    "report_text",
    "scenario_lines",
]
