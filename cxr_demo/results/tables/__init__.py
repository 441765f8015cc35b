"""Tables in words: formatted cells for screen, page and CSV, and the run behind each row."""

from cxr_demo.results.tables.answers import answers
from cxr_demo.results.tables.arms import arms, stand_ins
from cxr_demo.results.tables.common import Table, arm_name, notes
from cxr_demo.results.tables.one import findings, slices
from cxr_demo.results.tables.pairs import mcnemar, pairs
from cxr_demo.results.tables.policies import MAIN, policies

__all__ = [
    "MAIN",
    "Table",
    "answers",
    "arm_name",
    "arms",
    "findings",
    "mcnemar",
    "notes",
    "pairs",
    "policies",
    "slices",
    "stand_ins",
]
