"""By capability, in both languages, and as the loader's own rule."""

import subprocess
import sys

import pytest

from cxr_demo.errors import PrecisionUnsupported
from cxr_demo.records import Precision
from cxr_demo.telemetry import capability

TURING, AMPERE, PASCAL, MAXWELL = (7, 5), (8, 0), (6, 1), (5, 2)
BF16_KINDS = [each for each in Precision if each is not Precision.NF4_FP32]


@pytest.mark.parametrize("precision", list(Precision))
def test_every_precision_runs_from_ampere_on(precision):
    assert capability.barred(precision, AMPERE) is None
    assert capability.barred(precision, (12, 0)) is None


@pytest.mark.parametrize("precision", BF16_KINDS)
def test_turing_has_no_bfloat16_and_the_reason_says_so(precision):
    found = capability.barred(precision, TURING)
    for language, word in (("en", "does not have"), ("pt", "não tem")):
        said = found.message(language)
        assert "7.5" in said and "8.0" in said and word in said
        assert said.count(".") == 3  # one sentence
    refused = PrecisionUnsupported(model="M", precision=precision, detail=found.detail)
    assert "que esta GPU (compute capability 7.5) não tem" in refused.message("pt")
    assert ".." not in refused.message("pt") + refused.message("en")


def test_fp32_runs_on_turing_and_pascal_but_not_before():
    assert capability.barred(Precision.NF4_FP32, TURING) is None
    assert capability.barred(Precision.NF4_FP32, PASCAL) is None
    old = capability.barred(Precision.NF4_FP32, MAXWELL)
    assert "too old" in old.message("en") and "antiga" in old.message("pt")


@pytest.mark.parametrize("precision", list(Precision))
def test_without_a_gpu_nothing_is_barred(precision):
    assert capability.barred(precision, None) is None


def test_the_first_that_fits_is_chosen():
    offered = (Precision.BF16, Precision.NF4, Precision.NF4_FP32)
    assert capability.first_fit(offered, AMPERE) is Precision.BF16
    assert capability.first_fit(offered, TURING) is Precision.NF4_FP32
    assert capability.first_fit(offered, None) is Precision.BF16
    assert capability.first_fit(offered[:2], TURING) is Precision.BF16


def test_a_gpu_that_is_not_there_has_no_capability():
    assert capability.of(None) is None
    assert capability.of(99) is None


def test_it_is_told_without_torch():
    code = "import sys; import cxr_demo.telemetry.capability; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
