"""Stand-in tokenizers: the true vocabulary size, special ids and kind of byte handling, invented
words. The words of the app's own prompts are whole tokens, so that prompts are about as long as
with the true tokenizer; every other id is a pronounceable pseudo-word.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

from cxr_demo.models.cards import CARDS

_SYLLABLES = [a + b for a in "bcdfglmnprstvz" for b in "aeiou"]

# Ids as in the published Gemma 3 tokenizer: control tokens, unused ones, turns, lines, bytes.
_GEMMA_HEAD = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "[multimodal]"]
_GEMMA_UNUSED = [f"<unused{index}>" for index in range(99)]
_GEMMA_TURNS = ["<start_of_turn>", "<end_of_turn>"]
_GEMMA_BYTES_AT = 238
_GEMMA_IMAGE = {255_999: "<start_of_image>", 256_000: "<end_of_image>"}
_GEMMA_SOFT_IMAGE = 262_144
_GEMMA_NAMES = {
    "boi_token": "<start_of_image>",
    "eoi_token": "<end_of_image>",
    "image_token": "<image_soft_token>",
}
_GEMMA_CHAT = """{{ bos_token }}{% set ns = namespace(system='') %}\
{% for message in messages %}{% if message.role == 'system' %}{% set ns.system = \
(message.content if message.content is string else message.content[0].text) + '\n\n' %}\
{% else %}<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}
{{ ns.system }}{% set ns.system = '' %}{% if message.content is string %}\
{{ message.content | trim }}\
{% else %}{% for part in message.content %}{% if part.type == 'image' %}<start_of_image>\
{% else %}{{ part.text | trim }}{% endif %}{% endfor %}{% endif %}<end_of_turn>
{% endif %}{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}"""

_ANSWERS = "Yes No yes no"
_CODEGEN_ADDED = ["img", "/img", "imgpad", "ref", "/ref", "box", "/box", "quad", "/quad"]


def write_gemma(folder: Path, size: int = _GEMMA_SOFT_IMAGE + 1) -> None:
    """A Gemma 3 stand-in of `size` ids into `folder`. Smaller sizes, for tests, keep the ids of
    control tokens, turns and bytes; the image's three tokens are then the last ids."""
    words = _Words(_GEMMA_HEAD + _GEMMA_UNUSED + _GEMMA_TURNS)
    words.fill_to(_GEMMA_BYTES_AT)
    words.extend(f"<0x{byte:02X}>" for byte in range(256))
    merges = _prompt_merges(words)
    image = (
        _GEMMA_IMAGE
        if size > _GEMMA_SOFT_IMAGE
        else {size - 3: "<start_of_image>", size - 2: "<end_of_image>"}
    )
    for place, token in image.items():
        words.fill_to(place)
        words.extend([token])
    words.fill_to(size - 1)
    words.extend([_GEMMA_NAMES["image_token"]])
    tokenizer = Tokenizer(
        BPE(vocab=words.ids, merges=merges, fuse_unk=True, unk_token="<unk>", byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    special = [*_GEMMA_HEAD[:5], *_GEMMA_TURNS, *_GEMMA_NAMES.values()]
    tokenizer.add_special_tokens(
        [AddedToken(each, normalized=False, special=True) for each in special]
    )
    tokenizer.add_tokens([AddedToken(each, normalized=False) for each in _GEMMA_UNUSED])
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "GemmaTokenizer",
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "add_bos_token": True,
        "add_eos_token": False,
        "extra_special_tokens": _GEMMA_NAMES,
        "processor_class": "Gemma3Processor",
        **_GEMMA_NAMES,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1))
    (folder / "chat_template.jinja").write_text(_GEMMA_CHAT)


def write_codegen(folder: Path, size: int) -> None:
    """A byte-level stand-in of `size` ids as CheXagent 2 uses: GPT-2 style `vocab.json` and
    `merges.txt`, `<|endoftext|>` at 50256, then the image, box and coordinate tokens in order."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = _Words(letters)
    end = min(50_256, size - 128)
    merges = _prompt_merges(words, space="Ġ")
    words.fill_to(end, space="Ġ")
    added = ["<|endoftext|>", *(f"<|{name}|>" for name in _CODEGEN_ADDED)]
    coordinates = (f"<|coord_{index}|>" for index in itertools.count())
    extra = (f"<|extra_{index}|>" for index in itertools.count())
    added += itertools.islice(coordinates, min(101, size - end - len(added)))
    added += itertools.islice(extra, size - end - len(added))
    (folder / "vocab.json").write_text(json.dumps(words.ids, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(map(" ".join, merges)))
    tokenizer = Tokenizer(BPE(vocab=words.ids, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(each, normalized=False, special=True) for each in added]
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    ends = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 2048, **ends}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1))


def write_llama(folder: Path, size: int) -> None:
    """A Mistral 7B stand-in of `size` ids: `<unk> <s> </s>`, then bytes, then words."""
    words = _Words(["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))])
    merges = _prompt_merges(words)
    words.fill_to(size)
    tokenizer = Tokenizer(
        BPE(vocab=words.ids, merges=merges, fuse_unk=True, unk_token="<unk>", byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    special = ["<unk>", "<s>", "</s>"]
    tokenizer.add_special_tokens(
        [AddedToken(each, normalized=False, special=True) for each in special]
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "add_bos_token": True,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1))


class _Words:
    """Token strings in the order of their ids, each once."""

    def __init__(self, first: list[str]) -> None:
        self.ids: dict[str, int] = {}
        self._invented = _pseudo_words()
        self.extend(first)

    def extend(self, tokens: Iterator[str] | list[str]) -> None:
        for token in tokens:
            self.ids.setdefault(token, len(self.ids))

    def fill_to(self, count: int, space: str = "▁") -> None:
        while len(self.ids) < count:
            self.extend([space + next(self._invented)])


def _pseudo_words() -> Iterator[str]:
    for length in itertools.count(2):
        for syllables in itertools.product(_SYLLABLES, repeat=length):
            yield "".join(syllables)


def _prompt_merges(words: _Words, space: str = "▁") -> list[tuple[str, str]]:
    """Chains of merges (▁c, ▁ch, ▁che, ...) that make every word of the prompts, and yes and no,
    one token."""
    texts = [prompt.text for card in CARDS.values() for prompt in card.prompts.values()]
    text = " ".join([*texts, _ANSWERS])
    merges: dict[tuple[str, str], None] = {}
    for word in dict.fromkeys(text.replace("\n", " ").split()):
        whole = space + word
        words.extend([*whole])
        for end in range(1, len(whole)):
            merges[whole[:end], whole[end]] = None
            words.extend([whole[: end + 1]])
    return list(merges)
