"""A reading with another model than the evaluation's: beside it where both fit, else in its place.

The guest leaves as soon as no reading waits: the batch may want the room, and its peaks are its
own. Where the evaluation's model has to leave, its batch is begun again later.
"""

import logging
from collections.abc import Callable

from cxr_demo import fit
from cxr_demo.records import Precision
from cxr_demo.telemetry import Sampler
from cxr_demo.worker.answers import note
from cxr_demo.worker.engine import Engine, let_go
from cxr_demo.worker.jobs import Jobs

_log = logging.getLogger(__name__)


class Guests:
    """Brings models for readings. Used by the worker's main thread only."""

    def __init__(self, engine: Engine, jobs: Jobs, sampler: Sampler) -> None:
        self._engine, self._jobs, self._sampler = engine, jobs, sampler

    def bring(self, model: str, precision: Precision, progress: Callable[[float], None]) -> None:
        """Load that model. Raises what loading raises; a lack of memory beside the evaluation's
        model is no error yet."""
        self._engine.bring_back()
        if self._engine.loaded == (model, precision):
            return
        if self._fit_together(model, precision):
            self._engine.put_aside()
            try:
                self._engine.load(model, precision, progress)
                return
            except Exception as error:
                if not self.leave(error):
                    raise
        self._jobs.make_way(model, precision)
        self._engine.load(model, precision, progress)

    def leave(self, error: Exception) -> bool:
        """After `error`: true if it was a lack of memory beside the evaluation's model. Then both
        have left, so that what failed can be tried again with the device for itself."""
        if not (self._engine.crowded and self._engine.is_full(error)):
            return False
        _log.info("two models at once were too much")
        note(error)
        let_go(error)
        self._jobs.release()
        self._engine.unload()
        return True

    def _fit_together(self, model: str, precision: Precision) -> bool:
        at_work = self._jobs.at_work()
        if at_work is None or at_work != self._engine.loaded:
            return False
        return fit.beside(model, precision, self._sampler.sample())
