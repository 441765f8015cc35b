"""The embedded model's tokenizer and processor, in Gemma 3's own classes and layout.

A byte-pair vocabulary over the phantom reports and the prompts: every word of theirs is one token,
any other text falls back to pieces and bytes. The merges are learned word by word, so they give the
same ids inside `GemmaTokenizer`, which does not split text before merging.
"""

import json
import string
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import Gemma3Processor, GemmaTokenizer
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
TURNS = ("<start_of_turn>", "<end_of_turn>")
IMAGE = {
    "boi_token": "<start_of_image>",
    "image_token": "<image_soft_token>",
    "eoi_token": "<end_of_image>",
}
SPACE = "▁"  # Gemma writes a space so

# Gemma's turns: the system text stands in front of the user's first; "model" answers.
CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- set system = namespace(text='') -%}
{%- for message in messages -%}
{%- set role = 'model' if message.role == 'assistant' else message.role -%}
{%- set body = namespace(text='') -%}
{%- if message.content is string -%}
{%- set body.text = message.content | trim -%}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}
{%- set body.text = body.text + '<start_of_image>' -%}
{%- elif part.type == 'text' -%}
{%- set body.text = body.text + (part.text | trim) -%}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- if role == 'system' -%}
{%- set system.text = body.text + '\\n\\n' -%}
{%- else -%}
{{- '<start_of_turn>' + role + '\\n' + system.text + body.text + '<end_of_turn>\\n' -}}
{%- set system.text = '' -%}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<start_of_turn>model\\n' -}}
{%- endif -%}
"""


def build_tokenizer(texts: Iterable[str], vocab_size: int) -> GemmaTokenizer:
    """A `GemmaTokenizer` of exactly `vocab_size` entries, learned from `texts`.

    Ids: pad 0, eos 1, bos 2, then turns, image tokens, 256 bytes, characters, merges; places that
    the texts do not fill are `<unusedN>`, as in Gemma.
    """
    reserved = [*SPECIAL, *TURNS, *IMAGE.values(), *(f"<0x{byte:02X}>" for byte in range(256))]
    learned = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    learned.normalizer = normalizers.Replace(" ", SPACE)
    learned.pre_tokenizer = pre_tokenizers.Split(
        Regex(rf"\n+|{SPACE}?[\p{{L}}\p{{M}}]+|{SPACE}?\p{{N}}|{SPACE}?[^\s\p{{L}}\p{{N}}]"),
        "isolated",
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=reserved,
        initial_alphabet=list(
            string.ascii_letters + string.digits + string.punctuation + "\n" + SPACE
        ),
        show_progress=False,
    )
    learned.train_from_iterator(texts, trainer)
    state = json.loads(learned.to_str())["model"]
    vocab = state["vocab"] | {
        f"<unused{index}>": index for index in range(len(state["vocab"]), vocab_size)
    }
    return GemmaTokenizer(
        vocab=vocab,
        merges=[tuple(merge) for merge in state["merges"]],
        extra_special_tokens=list(TURNS),
        **IMAGE,
        chat_template=CHAT_TEMPLATE,
    )


def build_processor(
    tokenizer: GemmaTokenizer, image_size: int, image_tokens: int
) -> Gemma3Processor:
    """Gemma 3's processor for square images of `image_size` pixels, `image_tokens` each."""
    images = Gemma3ImageProcessorPil(
        size={"height": image_size, "width": image_size},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        image_seq_length=image_tokens,
    )
    return Gemma3Processor(
        images, tokenizer, chat_template=CHAT_TEMPLATE, image_seq_length=image_tokens
    )


def load_processor(folder: Path) -> Gemma3Processor:
    """The processor saved in `folder`, with Pillow's image backend whatever else is installed."""
    settings = json.loads((folder / "processor_config.json").read_text())
    size = settings["image_processor"]["size"]["height"]
    tokenizer = GemmaTokenizer.from_pretrained(folder)
    return build_processor(tokenizer, size, settings["image_seq_length"])
