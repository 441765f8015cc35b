"""The literal tables against transformers' classes, the checkpoints' layouts and bitsandbytes."""

import pytest
import torch
from bitsandbytes.nn import Linear4bit, Params4bit

from benchmarks import layouts
from cxr_demo.fit import storage
from cxr_demo.fit.architectures import ARCHITECTURES
from cxr_demo.fit.storage import STORAGES
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision

LAYOUTS = {
    "medgemma-4b-it": layouts.medgemma,
    "medgemma-1.5-4b-it": layouts.medgemma,
    "chexagent-2-3b": layouts.chexagent_2,
    "chexagent-8b": layouts.chexagent_8b,
}


def linear_shapes(model):
    """Shapes of all `nn.Linear` weights that 4 bits pack, from the native classes."""
    return native(model, torch.nn.Linear, "lm_head")


def native(model, kind, without):
    found = {}
    for name, each in build(model).named_modules():
        if type(each) is kind and not name.endswith(without):
            shape = tuple(each.weight.shape)
            found[shape] = found.get(shape, 0) + 1
    return found


def build(model):
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    from cxr_demo.models import chexagent2, chexagent8b

    with torch.device("meta"):
        if model.startswith("medgemma"):
            config = Gemma3Config(**layouts.medgemma().config)
            return Gemma3ForConditionalGeneration(config)
        if model == "chexagent-2-3b":
            from transformers import PhiConfig, SiglipVisionConfig

            vision = {**chexagent2._VISION, "vision_use_head": False}
            return chexagent2.CheXagent2Native(
                PhiConfig(**chexagent2._TEXT), SiglipVisionConfig(**vision)
            )
        from transformers import Blip2QFormerConfig, Blip2VisionConfig, MistralConfig

        return chexagent8b.CheXagent8bNative(
            MistralConfig(**chexagent8b._TEXT),
            Blip2VisionConfig(**chexagent8b._VISION),
            Blip2QFormerConfig(**chexagent8b._QUERIES),
            128,
        )


@pytest.mark.parametrize("model", ARCHITECTURES)
def test_parameters_are_those_of_the_card_and_of_the_published_layout(model):
    shape = ARCHITECTURES[model]
    assert shape.parameters + shape.discarded == CARDS[model].parameters
    assert shape.parameters + shape.discarded == LAYOUTS[model]().parameters


@pytest.mark.parametrize("model", ["medgemma-4b-it", "chexagent-2-3b", "chexagent-8b"])
def test_linear_rows_are_the_native_classes_linears(model):
    described = {}
    for _, rows, columns, count in ARCHITECTURES[model].linears:
        described[rows, columns] = described.get((rows, columns), 0) + count
    assert described == linear_shapes(model)


@pytest.mark.parametrize("model", ["medgemma-4b-it", "chexagent-2-3b", "chexagent-8b"])
def test_bf16_is_two_bytes_for_every_loaded_weight(model):
    shape = ARCHITECTURES[model]
    elements = sum(each.numel() for each in build(model).parameters())
    found = storage.weights(shape, STORAGES[Precision.BF16])
    assert found == pytest.approx(2 * elements, rel=1e-5) and found >= 2 * elements


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("shape", [(96, 64), (1152, 4304), (300, 100)])
def test_packed_bytes_are_what_bitsandbytes_makes(shape, double):
    layer = Linear4bit(shape[1], shape[0], bias=False, quant_type="nf4", compress_statistics=double)
    layer.weight = Params4bit(
        torch.randn(shape, dtype=torch.bfloat16),
        requires_grad=False,
        quant_type="nf4",
        compress_statistics=double,
    )
    packed = layer.to("cpu")
    state = packed.weight.quant_state
    tensors = [packed.weight.data, state.absmax, state.code]
    if double:
        tensors += [state.offset, state.state2.absmax]
    real = sum(storage.rounded(each.numel() * each.element_size()) for each in tensors)
    assert storage.packed_bytes(shape[0] * shape[1], double) == real


def test_a_packed_table_is_a_quarter_of_it():
    shape = ARCHITECTURES["medgemma-4b-it"]
    saved = storage.weights(shape, STORAGES[Precision.NF4]) - storage.weights(
        shape, STORAGES[Precision.NF4_EMB]
    )
    assert saved == pytest.approx(262_208 * 2560 * (2 - 0.516), rel=0.001)
    untied = ARCHITECTURES["chexagent-2-3b"]
    assert storage.weights(untied, STORAGES[Precision.NF4]) == storage.weights(
        untied, STORAGES[Precision.NF4_EMB]
    )
