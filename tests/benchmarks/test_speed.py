"""The speed benchmark on tiny models: it measures what it says. No time here means anything."""

import json
import subprocess
import time
from pathlib import Path

import pytest
import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from transformers import Gemma3Config, Gemma3ForConditionalGeneration, PhiConfig, PhiForCausalLM

from benchmarks import checkpoints, layouts, report
from benchmarks.speed import __main__ as command
from benchmarks.speed import fidelity, floor, fresh, inside, start, stock, tables, workload
from benchmarks.speed.results import Call, loaded
from benchmarks.speed.settings import INSIDE, PRECISIONS, TINY, TRUE
from cxr_demo.decoding.cache import LayerShape
from cxr_demo.decoding.fused import compiler
from cxr_demo.models.cards import card
from cxr_demo.records import PipelineKind, Precision
from tests.stand_ins import noise

MODELS = ("medgemma-4b-it", "chexagent-2-3b", "chexagent-8b")
SIDES = {"medgemma-4b-it": 56, "chexagent-2-3b": 512, "chexagent-8b": 56}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Tiny checkpoints of all families, as a user's models lie."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    for model in MODELS:
        checkpoints.write(model, folder / model, tiny=True)
    return folder


@pytest.fixture
def installed(root, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_MODELS", str(root))
    return root


def call(model, out, stages, precisions=PRECISIONS, seconds=1000.0, tiny=True):
    deadline = time.time() + seconds
    return Call(model, out, stages, precisions, "cpu", deadline, "now", {"bytes": 1}, tiny)


def figures(folder, model, stage, precision="bf16"):
    return report.read(folder / f"speed_{model}_{stage}_{precision}.json")["figures"]


@pytest.mark.parametrize("model", MODELS)
def test_every_stage_gives_its_figures(model, installed, tmp_path):
    assert inside.run(call(model, tmp_path, INSIDE), tmp_path / "jpegs") == []
    for precision in ("bf16", "nf4"):
        single = figures(tmp_path, model, "batch1", precision)
        assert single["floor"]["seconds"] > 0
        assert single["stock"]["ttft"]["repeats"] == TINY.repeats
        for path in single["paths"].values():
            assert min(path[each]["least"] for each in ("per_token", "ttft", "prefill")) > 0
        logits = figures(tmp_path, model, "fidelity", precision)
        assert logits["batch"]["rows"] == TINY.rows
        for size in ("batch1", "batch"):
            eager = logits[size]["eager"]["language"]
            assert 0 < eager["mean_kl"] < 0.1
            for ours in logits[size]["engine"].values():
                assert ours["largest"] <= eager["largest"]
            assert logits[size]["again"]["largest"] == 0  # a processor repeats itself
        exact = logits["exact"]
        assert {"plain", "stock", "stock, eager (whole)"} <= set(exact)
        # Rounding is all that lies between: far less than another image would make.
        assert all(0 < each["mean_kl"] < 0.1 for each in exact.values())
        batches = figures(tmp_path, model, "throughput", precision)
        assert batches["engine"]["whole"]["images"] == TINY.images
        assert batches["stock"]["best_batch"] in TINY.batches
        parts = figures(tmp_path, model, "kernels", precision)["parts"]
        assert {each["part"] for each in parts} > {"attention"}
        for part in parts:
            assert part["seconds"] > 0
            assert (part["bytes"] > 0) == (part["native_seconds"] is not None)
            errors = [part["error"], part["native_error"]]
            assert all(0 <= each < 0.02 for each in errors if each is not None)


def test_both_sides_of_the_evaluation_write_what_was_forced(installed, tmp_path):
    """Every image, its length of reply, and something written."""
    wanted = call("medgemma-4b-it", tmp_path, ("throughput",), (Precision.BF16,))
    assert inside.run(wanted, tmp_path / "jpegs") == []
    found = figures(tmp_path, "medgemma-4b-it", "throughput")
    rows = [found["engine"]["whole"], *found["engine"]["tried"].values()]
    rows += found["stock"]["tried"].values()
    lengths = workload.lengths(TINY.images, TINY)
    for each in rows:
        assert each["tokens_per_second"] * each["seconds"] == pytest.approx(
            sum(lengths[: each["images"]])
        )
        assert each["characters"] > each["images"]
        assert 0 <= each["idle_share"] < 1


@pytest.mark.parametrize("model", MODELS)
def test_the_reference_is_the_uncached_stock_model(model, installed):
    """`generate()` with forced tokens gives the logits of one plain pass, and eager attention and
    another image do not."""
    reference = stock.load(model, Precision.BF16, "cpu")
    reference.native.float()
    reference.dtype = torch.float32
    prompt = card(model).prompts[PipelineKind.REPORT]
    ids = fidelity.words(1, 12, reference) % 1700 + 300
    seen, other = (noise(seed, SIDES[model]) for seed in (1, 2))
    inputs = reference.inputs([seen], prompt)
    forced = reference.forced(inputs, ids)
    assert fidelity.distance(forced, uncached(reference, inputs, ids)).largest < 1e-4
    unlike = reference.forced(reference.inputs([other], prompt), ids)
    assert fidelity.distance(forced, unlike).largest > 1e-2
    many = [seen] * (stock.FEW + 1)  # more than the tower sees at a time
    for whole in (True, False):
        with reference.eager(whole):
            written_out = reference.forced(reference.inputs(many, prompt), ids.repeat(len(many), 1))
        for row in (0, stock.FEW):
            mine = [each[row : row + 1] for each in written_out]
            assert 0 < fidelity.distance(forced, mine).largest < 1e-4
    assert fidelity.distance(forced, reference.forced(inputs, ids)).largest == 0


def test_four_bits_can_be_unpacked_first(installed):
    """The same product in its other form, as long as it is asked for. On a processor the app's own
    layers are unpacked already, so one of the library's stands in for the GPU's."""
    reference = stock.load("chexagent-2-3b", Precision.NF4, "cpu")
    with reference.unpacked() as any_4_bits:
        assert not any_4_bits
    layer = Linear4bit(128, 64, quant_type="nf4", compute_dtype=torch.float32).to("cpu")
    reference.native.further = layer
    x = torch.randn(3, 128, generator=torch.Generator().manual_seed(1))
    packed = layer(x)
    with reference.unpacked() as any_4_bits:
        assert any_4_bits and "forward" in vars(layer)
        first = layer(x)
    assert "forward" not in vars(layer)
    assert (packed - first).abs().max() < 1e-4 < first.abs().max()


def uncached(reference, inputs, ids):
    with torch.no_grad():
        if "inputs_embeds" in inputs:
            more = reference.body.embed_tokens(ids)
            embeddings = torch.cat([inputs["inputs_embeds"], more], 1)
            logits = reference.generator(inputs_embeds=embeddings).logits
        else:
            kinds = torch.cat([inputs["token_type_ids"], torch.zeros_like(ids)], 1)
            logits = reference.generator(
                input_ids=torch.cat([inputs["input_ids"], ids], 1),
                token_type_ids=kinds,
                pixel_values=inputs["pixel_values"],
            ).logits
    return list(logits[:, -ids.shape[1] - 1 :].unbind(1))


def test_distances_are_those_of_the_formula():
    one = [torch.tensor([[0.0, 0.0]]), torch.tensor([[5.0, 0.0]])]
    other = [torch.tensor([[0.0, 1.0]]), torch.tensor([[5.0, 0.0]])]
    found = fidelity.distance(one, other)
    assert found.largest == 1.0
    assert found.same_first == 0.5
    expected = 0.5 * (torch.tensor([0.5, 0.5]) @ (0.5 / other[0].softmax(-1)[0]).log())
    assert found.mean_kl == pytest.approx(float(expected))
    with pytest.raises(ValueError, match="no numbers"):
        fidelity.distance([torch.tensor([[float("nan"), 0.0]])], [torch.zeros(1, 2)])


def test_the_floor_is_the_bytes_of_layers_and_head():
    with torch.device("meta"):
        gemma = Gemma3ForConditionalGeneration(Gemma3Config(**layouts.medgemma().config)).bfloat16()
        text = layouts.chexagent_2().config["text_config"]
        phi = PhiForCausalLM(PhiConfig(**text)).bfloat16()
    # 1.82 and 1.27 ms at 4.29 TB/s: what the first measurements of these shapes gave
    seconds = floor.weights_bytes(gemma.model.language_model, gemma.lm_head) / 4.29e12
    assert seconds == pytest.approx(1.82e-3, rel=0.01)
    assert floor.weights_bytes(phi.model, phi.lm_head) / 4.29e12 == pytest.approx(1.27e-3, rel=0.03)


def test_the_cache_is_read_once_per_token_and_windows_are_short():
    shapes = (LayerShape(2, 8, windowed=True), LayerShape(2, 8))
    by_hand = 2 * 2 * 8 * 2 * (5 + 5 + 5 + 7 + 8 + 9) // 3
    assert floor.cache_bytes(shapes, 5, 2, prompt=6, new=3) == pytest.approx(by_hand, abs=64)


def test_reply_lengths_are_those_stated():
    drawn = workload.lengths(4000, TRUE)
    assert 30 <= min(drawn) < 40
    assert 200 < max(drawn) <= 220
    assert sum(drawn) / len(drawn) == pytest.approx(110, abs=2)
    assert workload.lengths(10, TRUE) == drawn[:10]
    assert "30 + 190 * Beta(2, 2.75)" in workload.describe(TRUE)


def test_images_come_in_order_and_no_more_than_asked_ahead(tmp_path):
    files = workload.write_jpegs(tmp_path, 9)
    assert len({each.read_bytes() for each in files}) == 9
    opened = []

    class Model:
        def see(self, radiograph):
            opened.append(radiograph.sha256)
            return noise(1)

    ahead = workload.seen_ahead(Model(), files, workers=2, ahead=3)
    first, _ = next(ahead)
    assert first == files[0]
    assert len(opened) <= 4
    assert [file for file, _ in ahead] == files[1:]


def test_a_stage_without_time_is_left_out_and_said_to_be(installed, tmp_path, capsys):
    late = call("medgemma-4b-it", tmp_path, ("fidelity",), seconds=5, tiny=False)
    assert not late.time_for("fidelity", Precision.NF4)
    assert "LEFT OUT" in capsys.readouterr().out
    assert loaded(late.dumped()) == late


def test_a_failing_stage_is_told_and_the_others_go_on(installed, tmp_path, monkeypatch, capsys):
    def broken(bench, precision):
        raise RuntimeError("out of luck")

    monkeypatch.setitem(inside.STAGES, "batch1", broken)
    wanted = call("medgemma-4b-it", tmp_path, ("batch1", "kernels"), (Precision.BF16,))
    assert inside.run(wanted, tmp_path / "jpegs") == ["medgemma-4b-it batch1 bf16"]
    assert "out of luck" in capsys.readouterr().err
    assert [each.name for each in tmp_path.glob("*.json")] == [
        "speed_medgemma-4b-it_kernels_bf16.json"
    ]


def test_a_failing_process_is_told_and_the_others_go_on(tmp_path, monkeypatch):
    def process(call, precision, run, *rest):
        if start.READERS[run] == "engine":
            raise subprocess.CalledProcessError(1, "python")
        return {"reader": run}

    monkeypatch.setattr(start, "_process", process)
    wanted = call("medgemma-4b-it", tmp_path, ("start",), (Precision.NF4,))
    failed = start.measure(wanted, tmp_path, tmp_path)
    assert failed == [f"medgemma-4b-it start nf4 {each}" for each in ("cold", "warm")]
    assert set(figures(tmp_path, "medgemma-4b-it", "start", "nf4")) == {"stock"}


def test_a_machine_without_a_compiler_takes_nothing_that_was_compiled_before(monkeypatch):
    monkeypatch.setattr(compiler, "_built", compiler._built)  # put back afterwards
    fresh._take_compiler_away()
    with pytest.raises(compiler.CompilerMissing, match="taken away"):
        compiler._built((), (9, 0))


def test_the_command_needs_a_place_and_known_stages(capsys):
    told = {
        "--out": ["--tiny"],
        "unknown: sped": ["--out", "x", "--stages", "sped"],
        "unknown: hot": ["--out", "x", "--starts", "hot,stock"],
        "nothing is warm without": ["--out", "x", "--starts", "warm,stock"],
    }
    for words, wrong in told.items():
        with pytest.raises(SystemExit):
            command.main(wrong)
        assert words in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_measures_in_fresh_processes_and_merges(tmp_path, capfd):
    out = tmp_path / "out"
    wanted = ["--tiny", "--models", "medgemma-4b-it", "--stages", "batch1,start"]
    place = ["--out", str(out), "--device", "cpu", "--precisions", "bf16"]
    assert command.main([*wanted, *place]) == 0
    started = figures(out, "medgemma-4b-it", "start")
    assert set(started) == {"cold", "warm", "stock"}
    assert started["cold"]["seconds_to_first_token"] > started["cold"]["seconds_loading"] > 0
    assert started["stock"]["first_token_by"] == "stock"
    assert [run for run, each in started.items() if "longest" in each] == ["cold", "warm"]
    joined = tmp_path / "speed.json"
    table = tmp_path / "speed.md"
    arguments = ["--merge", str(out), "--out", str(joined), "--table", str(table)]
    assert command.main(arguments) == 1
    assert "tiny models" in capfd.readouterr().err
    tables.merge(out, joined, table, tiny=True)
    record = json.loads(joined.read_text())
    assert report.problems(record) == []
    assert len(record["results"]["parts"]) == 2
    text = table.read_text()
    assert "| time per token over the floor, bf16 | medgemma-4b-it |" in text
    assert record["results"]["parts"][0]["machine"]["cpu"] in text
    assert not list(Path(tmp_path).glob("**/model*.safetensors"))


def test_widened_4_bits_are_the_same_weights():
    """They lie packed in bfloat16, which must not be taken for numbers."""
    torch.manual_seed(0)
    layer = Linear4bit(256, 128, compute_dtype=torch.bfloat16, quant_type="nf4")
    given = torch.randn(128, 256).bfloat16()
    layer.weight = Params4bit(given, quant_type="nf4", quant_storage=torch.bfloat16)
    layer = layer.to("cpu").bfloat16()
    assert layer.weight.dtype is torch.bfloat16
    wide = object.__new__(stock.CheXagent2Stock)
    wide.native = torch.nn.Sequential(torch.nn.LayerNorm(256, dtype=torch.bfloat16), layer)
    x = torch.randn(3, 256).bfloat16()
    with torch.no_grad():
        rounded = wide.native(x).float()
        wide.widen()
        exact = wide.native(x.float())
    assert exact.dtype is torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.02 * exact.abs().max()
