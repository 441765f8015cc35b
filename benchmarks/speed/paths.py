"""The engine's paths of a loaded model, by name. The only place here that knows how to choose one.

"compiled": kernels of ours, captured as a CUDA graph; "captured": a graph over transformers' own
step; "plain": one call after the other from Python.
"""

from typing import Any

from torch import Tensor

from cxr_demo.decoding.engine import Engine, Prefix


def available(model: Any) -> tuple[str, ...]:
    """Names of the paths that `model` has on its device, fastest first."""
    found: tuple[str, ...] = model.paths
    return found


def use(model: Any, path: str) -> Engine:
    """Make `path` the one that `model` decodes by from now on; returns when it is ready."""
    model.use(path)
    engine: Engine = model.decoder
    return engine


def forced_in_slots(engine: Any, rows: Prefix, ids: Tensor) -> list[Tensor]:
    """Logits before, between and after (B, n) forced ids, as `generate_many` decodes its slots."""
    count = ids.shape[1]
    state = engine.prefill(rows, 0)
    step = engine.steps(len(ids), rows.valid.shape[1] + count + 1)
    step.admit(state.cache, ids[:, 0], list(range(len(ids))))
    found = [state.logits]
    for column in ids.unbind(1):
        step.ids.copy_(column)
        step.run()
        found.append(step.logits.clone())
    return found
