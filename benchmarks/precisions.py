"""What each precision does to the logits, and to memory: `python -m benchmarks.precisions MODEL
[--tiny]`.

Each precision in a process of its own: loads as users load, reads the same images, and writes the
distributions along the same tokens, those of bf16's own replies. Compared are cosines of logits and
the Kullback-Leibler divergence in nats. The weights are random, at published size: a trained model
has more redundancy, so these changes are larger than real ones; `embedded` is the one model here
whose weights are trained. The GPU's 4 bits are compared with the processor's as well.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks import report
from benchmarks.speed import checkpoint
from cxr_demo import models
from cxr_demo.decoding.engine import Prefix, Request
from cxr_demo.models import gemma, hardware, quantising, streaming
from cxr_demo.models.cards import card
from cxr_demo.models.loading import quantized_modules
from cxr_demo.models.selftest import samples
from cxr_demo.paths import assets_dir
from cxr_demo.records import PipelineKind, Precision

STEPS = 32
"""Tokens after the prompt, unless told otherwise."""


def read(
    model: str, precision: Precision, out: Path, follow: Path | None = None, steps: int = STEPS
) -> None:
    """In a process of its own: load, read both samples along the tokens in `follow` (`steps` greedy
    ones of its own if None), write logits and tokens to `out` and figures beside it. `embedded` is
    given precisions that its card does not offer, too."""
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    place = torch.device(device)
    hardware.reset_peaks(place)
    loaded: Any = _embedded(precision, place) if model == "embedded" else None
    loaded = loaded or models.load(card(model), precision, device)
    load_peak = hardware.peaks(place).vram_allocated_peak
    held = torch.cuda.memory_allocated(place) if place.type == "cuda" else None
    prompt = loaded.card.prompts[PipelineKind.REPORT]
    found: dict[str, Tensor] = {}
    given = {} if follow is None else load_file(follow)
    hardware.reset_peaks(place)
    for at, radiograph in enumerate(samples()):
        prefix = loaded.prefix(loaded.see(radiograph), prompt)
        ids = given.get(f"tokens{at}")
        ids = _greedy(loaded, prefix, steps) if ids is None else ids.to(place)
        state = loaded.decoder.prefill(prefix, ids.shape[1])
        found[f"image{at}"] = loaded.decoder.force(state, ids)[0].float().cpu().contiguous()
        found[f"tokens{at}"] = ids.cpu()
    save_file(found, out)
    figures = {
        "device": loaded.device,
        "engine": loaded.engine,
        "layers_in_4_bits": len(quantized_modules(loaded._native)),
        "allocated_after_load": held,
        "allocated_peak_of_load": load_peak,
        "allocated_peak_of_reading": hardware.peaks(place).vram_allocated_peak,
    }
    out.with_suffix(".json").write_text(json.dumps(figures))


def _greedy(loaded: Any, prefix: Prefix, steps: int) -> Tensor:
    """(1, n) of the model's own tokens, past an end of the reply too."""
    state = loaded.decoder.prefill(prefix, steps)
    decoded = loaded.decoder.decode(state, Request(steps))
    return torch.tensor([[step.ids[0] for step in decoded]], device=prefix.embeddings.device)


def _embedded(precision: Precision, place: torch.device) -> Any:
    from cxr_demo.models.checkpoint import find

    about = card("embedded")
    if precision in about.precisions:
        return None
    folder = assets_dir() / about.id
    native = gemma.build(about, folder)
    found = find(about, Precision.NF4, place)
    streaming.fill(
        native, gemma.places(native), about, found.installed, precision, place, lambda done: None
    )
    processor = gemma.load_processor(folder, native.config.mm_tokens_per_image)
    return gemma.GemmaModel(about, precision, native, processor, found.digest, False)


def compare(one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, float]:
    """How far the distributions of `other` are from those of `one`, over images and steps."""
    cosines, divergences, same = [], [], []
    for name, logits in one.items():
        if not name.startswith("image"):
            continue
        theirs = other[name]
        cosines.append(torch.cosine_similarity(logits, theirs, dim=-1))
        mine = logits.log_softmax(-1)
        divergences.append((mine.exp() * (mine - theirs.log_softmax(-1))).sum(-1))
        same.append((logits.argmax(-1) == theirs.argmax(-1)).float())
    cosine, divergence, equal = (torch.cat(each) for each in (cosines, divergences, same))
    return {
        "cosine_mean": float(cosine.mean()),
        "cosine_least": float(cosine.min()),
        "kl_mean": float(divergence.mean()),
        "same_best_token": float(equal.mean()),
    }


def bits() -> dict[str, Any] | None:
    """Whether a GPU makes the same 4 bits as a processor; None without one."""
    if not torch.cuda.is_available():
        return None
    table = torch.randn(4096, 2560, generator=torch.Generator().manual_seed(3)).bfloat16()
    made = [
        quantising.quantised(iter([table]), (4096, 2560), torch.uint8, torch.device(each))
        for each in ("cpu", "cuda:0")
    ]
    codes = [each.data.cpu() for each in made]
    scales = [each.quant_state.absmax.cpu() for each in made]
    return {
        "bytes": codes[0].numel(),
        "bytes_that_differ": int((codes[0] != codes[1]).sum()),
        "scales_that_differ": int((scales[0] != scales[1]).sum()),
    }


def precisions_of(model: str) -> tuple[Precision, ...]:
    """All that can be compared."""
    offered = card(model).evaluated
    return (*offered, Precision.NF4_EMB) if model == "embedded" else offered


def measure(
    model: str, wanted: Sequence[Precision], steps: int, home: Path, environment: dict[str, str]
) -> dict[str, Any]:
    """The `wanted` precisions of `model`, BF16 and NF4 among them, each against these two."""
    figures: dict[str, Any] = {}
    logits: dict[str, dict[str, Tensor]] = {}
    for each in sorted(wanted, key=lambda each: each is not Precision.BF16):
        out = home / f"{each}.safetensors"
        command = [sys.executable, "-m", "benchmarks.precisions", model, "--child", each]
        command += ["--steps", str(steps)]
        if each is not Precision.BF16:  # the first one
            command += ["--follow", str(home / f"{Precision.BF16}.safetensors")]
        subprocess.run([*command, "--out", str(out)], check=True, env=environment)
        figures[each] = json.loads(out.with_suffix(".json").read_text())
        logits[each] = load_file(out)
        print(each, figures[each], flush=True)
    for each in wanted:
        figures[each]["against"] = {
            base: compare(logits[base], logits[each])
            for base in (Precision.BF16, Precision.NF4)
            if base is not each
        }
        print(each, figures[each]["against"], flush=True)
    return figures


def _precisions(text: str) -> tuple[Precision, ...]:
    return tuple(map(Precision, text.split(",")))


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's first lines."""
    parser = argparse.ArgumentParser(prog="benchmarks.precisions", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--child", choices=[str(each) for each in Precision])
    parser.add_argument("--follow", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "--precisions", type=_precisions, help="comma separated, bf16 and nf4 among them"
    )
    parser.add_argument("--steps", type=int, default=STEPS, help="tokens after the prompt")
    parser.add_argument("--tiny", action="store_true", help="in a few megabytes, untold")
    parser.add_argument("--folder", type=Path, help="keep the checkpoint here, or use it again")
    parser.add_argument("--out", type=Path, default=report.RESULTS)
    chosen = parser.parse_args(arguments)
    if chosen.child:
        read(chosen.model, Precision(chosen.child), chosen.out, chosen.follow, chosen.steps)
        return 0
    offered = precisions_of(chosen.model)
    wanted = chosen.precisions or offered
    if not {Precision.BF16, Precision.NF4} <= set(wanted) <= set(offered):
        parser.error(f"--precisions: bf16, nf4 and others of {', '.join(offered)}")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        folder = chosen.folder or home / "models"
        if chosen.model != "embedded":
            checkpoint.ensure(chosen.model, folder, chosen.tiny, None)
        environment = checkpoint.environment(folder, home / "home")
        (home / "home").mkdir(mode=0o700)
        figures = measure(chosen.model, wanted, chosen.steps, home, environment)
    if chosen.tiny:
        return 0
    kind = "trained on drawn images" if chosen.model == "embedded" else "RANDOM"
    what = (
        f"{chosen.model}, weights {kind}: each precision's logits over both samples and "
        f"{chosen.steps} tokens of bf16's own replies, against bf16 and NF4, and torch's memory; "
        "one process each."
    )
    path = chosen.out / f"precisions_{chosen.model.replace('.', '_')}.json"
    command = f"python -m benchmarks.precisions {chosen.model} --steps {chosen.steps}"
    command += f" --precisions {','.join(wanted)}"
    results = {"model": chosen.model, "steps": chosen.steps}
    results |= {"precisions": figures, "gpu_bits": bits()}
    print(report.write(path, what, command, results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
