import dataclasses
import itertools
import math
import re
import subprocess
import sys

import pytest
from safetensors import safe_open

from cxr_demo import models
from cxr_demo.findings import FINDINGS
from cxr_demo.models.cards import CARDS, Ability, card
from cxr_demo.models.faults import NotInThisVersion, UnknownModel, UnknownPrompt
from cxr_demo.paths import assets_dir
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.ui import about_text


def test_every_card_has_its_own_id_and_a_prompt_for_each_pipeline():
    for name, each in CARDS.items():
        assert each.id == name
        assert set(each.prompts) == set(PipelineKind)
        direct = each.prompts[PipelineKind.DIRECT].text
        assert all(finding.value in direct for finding in FINDINGS)


def test_a_prompt_id_stands_for_one_prompt():
    texts = {}
    for each in CARDS.values():
        for prompt in itertools.chain(*map(each.prompts_of, PipelineKind)):
            assert texts.setdefault(prompt.id, prompt) == prompt


def test_a_prompt_is_found_by_its_id_and_the_default_comes_first():
    about = card("chexagent-8b")
    default, steps = about.prompts_of(PipelineKind.REPORT)
    assert about.prompt(PipelineKind.REPORT) == default == about.prompts[PipelineKind.REPORT]
    assert about.prompt(PipelineKind.REPORT, "chexagent-8b-steps-1") is steps
    for kind, id in ((PipelineKind.DIRECT, steps.id), (PipelineKind.REPORT, "chexagent-2-steps-1")):
        with pytest.raises(UnknownPrompt) as caught:
            about.prompt(kind, id)
        assert id in caught.value.message("pt") and about.name in caught.value.message("en")


def test_a_stepwise_prompt_holds_all_its_questions_and_ends_without_the_image():
    stepwise = [each for about in CARDS.values() for each in about.prompts_of(PipelineKind.REPORT)]
    stepwise = [each for each in stepwise if each.steps]
    assert [each.id for each in stepwise] == ["chexagent-2-steps-1", "chexagent-8b-steps-1"]
    for prompt in stepwise:
        *seeing, last = prompt.steps
        assert all(each.image and "{" not in each.text for each in seeing)
        assert not last.image and "{findings}" in last.text
        assert prompt.text.split("\n") == [each.text for each in prompt.steps]
        assert prompt.max_new_tokens == sum(each.max_new_tokens for each in prompt.steps)


def test_every_card_says_what_its_model_can_do():
    for each in CARDS.values():
        assert {Ability.REPORT, Ability.FINDINGS, Ability.YES_NO} <= set(each.can)
        assert set(each.can) <= set(about_text.ABILITIES)
    boxes = [name for name, each in CARDS.items() if Ability.LOCATE in each.can]
    assert boxes == ["medgemma-1.5-4b-it", "chexagent-2-3b"]


def test_a_revision_is_a_commit_or_left_to_the_first_fetch():
    for each in CARDS.values():
        assert each.revision is None or re.fullmatch("[0-9a-f]{40}", each.revision)


def test_the_embedded_model_has_the_weights_that_its_card_counts():
    with safe_open(assets_dir() / "embedded" / "model.safetensors", "pt") as tensors:
        names = list(tensors.keys())
        count = sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
    assert count == card("embedded").parameters


def test_only_the_embedded_model_is_bound_to_phantoms():
    assert [each.id for each in CARDS.values() if each.phantoms_only] == ["embedded"]


def test_an_unknown_model_is_named_with_what_there_is():
    with pytest.raises(UnknownModel) as caught:
        card("medgemma-27b")
    assert "medgemma-27b" in str(caught.value)
    assert "medgemma-4b-it" in caught.value.message("pt")


def test_a_model_without_adapter_says_so():
    later = dataclasses.replace(card("chexagent-8b"), name="CheXagent 9", family=None)
    assert not later.ported
    with pytest.raises(NotInThisVersion) as caught:
        models.load(later, Precision.BF16)
    assert "CheXagent 9" in caught.value.message("pt")


def test_every_model_of_the_study_has_an_adapter():
    assert all(each.ported for each in CARDS.values())


def test_cards_are_read_without_torch():
    code = (
        "import sys; import cxr_demo.models, cxr_demo.weights;"
        "print([m for m in ('torch', 'transformers', 'bitsandbytes') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
