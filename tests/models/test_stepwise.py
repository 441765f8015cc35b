"""The stepwise report of both CheXagents, through tiny checkpoints: what each step is asked, alone
and in batches, and what becomes of an end, a limit and a stop in the middle."""

import itertools
from dataclasses import replace

import pytest
import torch

from cxr_demo import pipelines
from cxr_demo.findings import Finding, Label
from cxr_demo.models import stepwise
from cxr_demo.models.base import Generation, Item, Piece
from cxr_demo.records import DoneEvent, PipelineKind, Prompt, StopReason, TokenEvent
from tests.models.families import FAMILIES
from tests.stand_ins import noise, radiograph

CHEXAGENTS = [each for each in FAMILIES if each.model.startswith("chexagent")]
LIMIT = 4


def short(prompt, limit=LIMIT):
    """A stepwise prompt with small limits, for models that find no end."""
    steps = tuple(replace(each, max_new_tokens=limit) for each in prompt.steps)
    return replace(prompt, steps=steps, max_new_tokens=limit * len(steps))


@pytest.fixture(scope="module", params=CHEXAGENTS, ids=lambda family: family.model)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def model(family, tmp_path_factory):
    torch.set_num_threads(1)
    return family.fp32(family.write(tmp_path_factory.mktemp("stepwise")))


@pytest.fixture(scope="module")
def prompt(model):
    first, second = model.card.prompts_of(PipelineKind.REPORT)
    assert not first.steps
    return short(second)


class Asked:
    """A model that notes what it is asked, and may answer from a list in place of its own words."""

    def __init__(self, model, answers=None, ends=True):
        self.questions, self._model, self._answers = [], model, answers
        self._ends = ends

    def __getattr__(self, name):
        return getattr(self._model, name)

    def generate(self, seen, prompt, should_stop=lambda: False, submitted=None):
        self.questions.append(prompt)
        if self._answers is None:
            return self._model.generate(seen, prompt, should_stop, submitted)
        words = self._answers[len(self.questions) - 1].split(" ")
        pieces = [Piece(9, word + " ") for word in words if word]
        end = [Piece(1, "", ends=True)] if self._ends else []

        def run(generation):
            generation.prompt_tokens, generation.prefill_seconds = 10, 0.5
            for piece in pieces + end:
                if should_stop():
                    return
                yield piece

        return Generation(run, len(pieces) if not self._ends else 99, submitted)


SAID = ["AP view.", "Clear trachea.", "", "Large heart. ", "Flat.", "A tube.", "Cardiomegaly."]


IMAGE = noise(1)


def told(model, prompt, answers=SAID, **settings):
    talker = Asked(model, answers)
    generation = stepwise.generate(talker, IMAGE, prompt, **settings)
    return talker, generation, "".join(token.text for token in generation)


def test_every_step_reaches_the_model_and_the_last_one_has_no_image(
    family, model, prompt, monkeypatch
):
    asked, encoded = Asked(model), []
    seen = family.seen(1)
    features = type(model).features
    monkeypatch.setattr(
        type(model), "features", lambda *given: encoded.append(1) or features(*given)
    )
    generation = stepwise.generate(asked, seen, prompt)
    report = "".join(token.text for token in generation)
    assert len(encoded) == 1
    headings = ["View", "Airway", "Breathing", "Cardiac", "Diaphragm", "Everything else"]
    assert [each.heading for each in prompt.steps] == [*headings, "Impression"]
    assert len(asked.questions) == 7
    for step, question in zip(prompt.steps[:-1], asked.questions, strict=False):
        assert question.text == step.text
        assert step.heading in question.text or step.heading == "View"
        ids = torch.tensor([model.prompt_ids(question)])
        assert model.image_places(ids).sum() > 0
    last = asked.questions[-1]
    parts = [each.partition("]\n")[2] for each in report.split("\n\n[")]
    assert last.text.endswith(" ".join(parts[1:-1]))
    assert "{" not in last.text and parts[0] not in ("", last.text)
    ids = torch.tensor([model.prompt_ids(last)])
    assert model.image_places(ids).sum() == 0
    embedded = model.prefix(seen, last).embeddings
    assert torch.equal(embedded, model._network.embed(ids))
    assert generation.prompt_tokens == sum(len(model.prompt_ids(each)) for each in asked.questions)
    assert generation.tokens <= LIMIT * 7


def test_a_text_alone_is_asked_as_the_publisher_does(family, model):
    text = model.prompt_text(Prompt("test", "Write it.", 4, image=False))
    expected = {
        "chexagent-2-3b": "<|system|>\nYou are a helpful assistant.<|endoftext|>\n<|user|>\n"
        "Write it.<|endoftext|>\n<|assistant|>\n",
        "chexagent-8b": "<s> USER: <s>Write it. ASSISTANT: <s>",
    }
    assert text == expected[family.model]


def test_a_batch_says_what_single_readings_say(family, model, prompt):
    plain = Prompt("plain", "Write a structured findings section for the CXR.", LIMIT)
    asked = [(1, prompt), (1, plain), (2, prompt)]
    items = [Item(f"{seed} {each.id}", family.seen(seed), each) for seed, each in asked]
    found = {each.key: each for each in stepwise.generate_many(model, iter(items), 3)}
    assert len(found) == 3
    for item in items:
        alone = stepwise.generate(model, item.seen, item.prompt)
        tokens = list(alone)
        reply = found[item.key]
        assert reply.text == "".join(token.text for token in tokens).rstrip()
        assert list(reply.ids) == [token.id for token in tokens]
        assert (reply.stop, reply.prompt_tokens) == (alone.stop, alone.prompt_tokens)
        assert reply.seconds > 0


def test_the_answers_stand_under_their_headings(model, prompt):
    asked, generation, report = told(model, prompt)
    assert report == (
        "[View]\nAP view.\n\n[Airway]\nClear trachea.\n\n[Cardiac]\nLarge heart.\n\n"
        "[Diaphragm]\nFlat.\n\n[Everything else]\nA tube.\n\n[Impression]\nCardiomegaly."
    )
    assert asked.questions[-1].text.endswith(": Clear trachea. Large heart. Flat. A tube.")
    assert (generation.stop, generation.prefill_seconds) == (StopReason.END, 0.5)


def test_a_heading_is_no_first_token(model, prompt):
    talker = Asked(model, ["", "  Clear.", *SAID[2:]])
    first = next(each for each in stepwise.generate(talker, IMAGE, prompt) if each.text)
    assert first.text == "[Airway]\nClear."


def test_one_step_at_its_limit_cuts_the_report_off(model, prompt):
    class Cut(Asked):
        def generate(self, seen, prompt, should_stop=lambda: False, submitted=None):
            self._ends = len(self.questions) != 3  # "Cardiac" finds no end
            return super().generate(seen, prompt, should_stop, submitted)

    talker = Cut(model, SAID)
    generation = stepwise.generate(talker, IMAGE, prompt)
    assert "[Impression]" in "".join(token.text for token in generation)
    assert generation.stop is StopReason.LENGTH


def test_a_stop_between_two_tokens_of_any_step_ends_it_there(model, prompt):
    asked = itertools.count()
    talker, generation, report = told(model, prompt, should_stop=lambda: next(asked) > 6)
    assert report.startswith("[View]\nAP view.\n\n[Airway]\nClear")
    assert generation.stop is StopReason.STOPPED
    assert len(talker.questions) < 5
    *_, before = told(model, prompt, should_stop=lambda: True)
    assert before == ""


def test_nothing_is_summed_up_where_nothing_was_found_or_all_is_too_long(model, prompt):
    talker, generation, report = told(model, prompt, ["AP.", *[""] * 5])
    assert (report, generation.stop) == ("[View]\nAP.", StopReason.END)
    long = ["AP.", "word " * model._network.positions, *[""] * 4]
    talker, generation, report = told(model, prompt, long)
    assert (len(talker.questions), generation.stop) == (6, StopReason.LENGTH)
    assert "[Impression]" not in report


def test_a_reading_says_which_prompt_made_it_and_is_labelled(model, prompt):
    class Named(Asked):
        def __init__(self, *given):
            super().__init__(*given)
            self.card = replace(model.card, others={PipelineKind.REPORT: (prompt,)})

    said = ["Large effusion.", *SAID[1:]]
    events = pipelines.read(
        Named(model, said), radiograph(), PipelineKind.REPORT, prompt=prompt.id, submitted=None
    )
    *tokens, done = [each for each in events if isinstance(each, TokenEvent | DoneEvent)]
    reading = done.reading
    assert reading.report == "".join(each.token.text for each in tokens).rstrip()
    assert reading.provenance.prompt == prompt
    found = {each.finding: each for each in reading.findings[0].labels}
    assert found[Finding.CARDIOMEGALY].label is Label.POSITIVE
    assert found[Finding.PLEURAL_EFFUSION].label is Label.NOT_MENTIONED
    places = {reading.report[s.start : s.end] for s in found[Finding.CARDIOMEGALY].spans}
    assert places == {"Large heart.", "Cardiomegaly."}
    assert [each.token.index for each in tokens] == list(range(reading.timings.tokens))
    assert (reading.timings.prompt_tokens, reading.stop) == (70, StopReason.END)
    assert reading.timings.ttft <= reading.timings.total
    *_, default = pipelines.read(Named(model, ["All clear."]), radiograph(), PipelineKind.REPORT)
    assert default.reading.provenance.prompt == model.card.prompts[PipelineKind.REPORT]


def test_a_stepwise_prompt_is_never_asked_as_one_question(family, model, prompt):
    with pytest.raises(ValueError, match="step by step"):
        list(model.generate(family.seen(1), prompt))
    shown = stepwise.prompt_text(model, prompt)
    assert all(f"[{each.heading}]" in shown and each.text in shown for each in prompt.steps)
