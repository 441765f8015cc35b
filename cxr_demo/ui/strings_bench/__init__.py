"""The words of the Benchmarks screen, as (English, Portuguese), a file per part of it.

`ui.strings` takes them in. What exports say too stands in `results.words`; data sets name
themselves.
"""

from cxr_demo.ui.strings_bench.form import FORM
from cxr_demo.ui.strings_bench.page import PAGE
from cxr_demo.ui.strings_bench.progress import PROGRESS
from cxr_demo.ui.strings_bench.results import RESULTS
from cxr_demo.ui.strings_bench.run import RUN

Pair = tuple[str, str]

BENCH: dict[str, Pair] = {**FORM, **PROGRESS, **RESULTS, **RUN, **PAGE}
