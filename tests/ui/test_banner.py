"""The doctor's diagnosis at the top of the first screen, in both languages, with its line."""

from dataclasses import replace

import gradio as gr
import pytest

from cxr_demo.telemetry import doctor
from cxr_demo.ui import banner
from cxr_demo.ui.context import Context
from cxr_demo.ui.state import Choice
from cxr_demo.ui.words import Localised
from tests.telemetry.test_doctor import CPU_BUILD, HEALTHY, INDEX


@pytest.fixture
def shown(monkeypatch):
    """What the banner of a machine with these facts says in `language`; None without a banner."""

    def built(facts, language):
        monkeypatch.setattr(doctor, "gather", lambda: facts)
        local = Localised(language)
        with gr.Blocks() as page:
            banner.build(Context(None, local, Choice("embedded"), gr.State()))
        bars = [each for each in page.blocks.values() if each.elem_id == "banner"]
        return bars[0].value if bars else None

    return built


@pytest.mark.parametrize(("language", "words"), [("en", "is not used"), ("pt", "não é usada")])
def test_a_gpu_that_torch_cannot_use_is_said_with_the_line_that_mends_it(shown, language, words):
    html = shown(CPU_BUILD, language)
    assert "NVIDIA RTX A2000" in html and words in html
    assert f"--force-reinstall torch==2.13.0 {INDEX}/cu130</code>" in html


def test_a_healthy_machine_gets_no_banner(shown):
    assert shown(HEALTHY, "en") is None


def test_what_a_driver_says_of_itself_is_no_markup(shown):
    odd = replace(CPU_BUILD, gpus=(doctor.GpuFacts("<img src=x onerror=alert(1)>", (8, 6)),))
    assert "<img" not in shown(odd, "en")
