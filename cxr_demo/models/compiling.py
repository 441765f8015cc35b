"""From a loaded network to its compiled decode path, in the background, and only if it agrees with
the network's own modules on this very machine.
"""

import logging
import threading
from collections.abc import Callable

import torch

from cxr_demo.decoding.engine import Network
from cxr_demo.decoding.fused.arguments import Unsuited
from cxr_demo.decoding.fused.batch import BatchOperations
from cxr_demo.decoding.fused.compiler import CompilerMissing
from cxr_demo.decoding.fused.forward import FusedForward
from cxr_demo.decoding.fused.parts import Decoder
from cxr_demo.decoding.fused.single import SingleOperations
from cxr_demo.decoding.step import Forward, Step, through
from cxr_demo.models.fusing import NotFusable

ALIKE = 0.99
"""Least cosine of the two paths' logits. Rounding leaves 0.999 and more in bfloat16; a kernel that
is wrong on some card leaves nothing like it."""
_PROBE = (7, 1, 5, 3)  # ids; any will do
_ROOM = 8  # columns for them
_log = logging.getLogger(__name__)

Describe = Callable[[], Decoder]


class Compiled:
    """The compiled path in the making. `reason` says why there is none, once that is known."""

    def __init__(self, network: Network, describe: Describe) -> None:
        self._network = network
        self._describe = describe
        self._decoder: Decoder | None = None
        self._single: Forward | None = None
        self.reason: str | None = None
        self._thread = threading.Thread(target=self._build, name="compile", daemon=True)

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    @property
    def done(self) -> bool:
        """True once it is known whether there is a compiled path."""
        return not self._thread.is_alive() and self._thread.ident is not None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is done, up to `seconds` if given; true if there is a compiled path."""
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(seconds)
        return self.done and self.reason is None

    def forward(self, slots: int) -> Forward:
        """The step for so many sequences; only after `wait` was true. Several go through the
        network's own modules where the kernels for several do not agree with them."""
        if self._single is None or self._decoder is None:
            raise RuntimeError(f"no compiled path: {self.reason}")
        if slots == 1:
            return self._single
        modules = through(self._network)
        try:
            kernels = BatchOperations(self._decoder, slots, self._network.device)
        except (Unsuited, CompilerMissing) as error:
            _log.warning("batches go through the modules: %s", error)
            return modules
        many = FusedForward(self._decoder, self._network.embed, kernels)
        return many if self._alike(many, slots) > ALIKE else modules

    def agrees(self) -> bool:
        """Whether one sequence gets the same logits on both paths; `reason` says so if not."""
        alike = self._alike(self.forward(1), 1)
        if not alike > ALIKE:  # also for NaN
            self.reason = f"its logits differ from the modules' (cosine {alike:.3f})"
        return self.reason is None

    def _alike(self, forward: Forward, slots: int) -> float:
        """Least cosine of any row's logits after a few tokens."""
        found = []
        for each in (through(self._network), forward):
            step = Step(self._network, slots, _ROOM, each)
            step.active.fill_(1)
            for id in _PROBE:
                step.ids.fill_(id)
                step.once()
            found.append(step.logits.float())
        alike = float(torch.cosine_similarity(found[0], found[1], dim=-1).min())
        if not alike > ALIKE:
            _log.warning("kernels for %d sequences differ: cosine %.3f", slots, alike)
        return alike

    def _build(self) -> None:
        try:
            if self._network.dtype is not torch.bfloat16:
                raise NotFusable(f"computes in {self._network.dtype}")
            self._decoder = self._describe()
            single = SingleOperations(self._decoder, self._network.device)
            self._single = FusedForward(self._decoder, self._network.embed, single)
        except (NotFusable, Unsuited, CompilerMissing) as error:
            self.reason = f"{type(error).__name__}: {error}"
            _log.info("no compiled path: %s", self.reason)
        except Exception as error:  # noqa: BLE001 - nobody hears of it in a thread; others work
            self.reason = f"{type(error).__name__}: {error}"
            _log.exception("the compiled path could not be built")
