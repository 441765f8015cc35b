"""Addresses of the screen "Will it fit?" and of the picker, under /cxr beside those of `api`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cxr_demo import fit
from cxr_demo.errors import CxrError
from cxr_demo.fit import Answer, Gpu, Machine
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision
from cxr_demo.ui import fit_view, marks, picker_view, weights_view
from cxr_demo.ui.api import Sessions
from cxr_demo.ui.errands import Errands, Kind
from cxr_demo.ui.fitness import Fitness
from cxr_demo.ui.session import Session
from cxr_demo.ui.strings import text
from cxr_demo.weights import shelf
from cxr_demo.weights.sources import PACKAGES, Package

View = dict[str, Any]


@dataclass(frozen=True)
class FitApi:
    """The handlers; errands and measurements are the app's, not one page's."""

    sessions: Sessions
    errands: Errands
    fitness: Fitness

    def routes(self) -> list[BaseRoute]:
        """To stand before those of `api`, whose last one takes any name."""
        return [
            Route("/cxr/{session}/fit", self.fit),
            Route("/cxr/{session}/picker", self.picker),
            Route("/cxr/{session}/measure", self.measure, methods=["POST"]),
            Route("/cxr/{session}/weights", self.weights, methods=["POST"]),
        ]

    def fit(self, request: Request) -> Response:
        """The whole screen. Query: `gpu` (NVML's index) or `card` (a typed size), `model` and
        `precision` as chosen on the page."""
        language = self._session(request).language
        asked = request.query_params
        machine = self.fitness.machine()
        chosen, error = _target(machine, asked.get("gpu", ""), asked.get("card", ""))
        answers = self.fitness.answers(chosen)
        advice = fit.advice(answers, fit.qualities())
        study = fit.beside_study(answers)
        model = asked.get("model") or advice.model or next(iter(PACKAGES))
        pair = _pair(answers, model, asked.get("precision") or str(advice.precision))
        scale = fit_view.scale_of(answers)
        packages = list(PACKAGES.values())
        view = {
            "language": language,
            "targets": fit_view.targets_view(machine, chosen, language),
            "typed": asked.get("card", ""),
            "error": error.message(language) if error else None,
            "memory": fit_view.memory_view(machine, chosen, language),
            "advice": [text("fit.advice", language), advice.sentence.message(language)],
            "study": study.message(language) if study else None,
            "columns": fit_view.columns_view(chosen, language),
            "axis": fit_view.axis_view(answers, language),
            "models": [self._model(each, answers, scale, language) for each in packages],
            "chosen": [model, str(pair.precision) if pair else ""],
            "pair": self._pair_view(pair, chosen, machine, language),
            "weights_title": text("weights.title", language),
            "weights": self._weights_view(PACKAGES.get(model, packages[0]), pair, language),
        }
        return _json(view)

    def picker(self, request: Request) -> Response:
        """What the reading room offers, against this machine, for the session's choice."""
        session = self._session(request)
        answers = self.fitness.answers()
        return _json(picker_view.picker_view(session.choice, answers, session.language))

    async def measure(self, request: Request) -> Response:
        """Start measuring `model` in `precision`, or stop what is being measured."""
        self._session(request)
        given = await request.json()
        if given["do"] == "stop":
            self.fitness.stop_measuring()
        else:
            model, precision = str(given["model"]), Precision(given["precision"])
            await run_in_threadpool(self.fitness.measure, model, precision)
        return _json({})

    async def weights(self, request: Request) -> Response:
        """Start an errand for `model`, stop it, or forget its outcome."""
        self._session(request)
        given = await request.json()
        model, wanted = str(given["model"]), str(given["do"])
        if model not in PACKAGES:
            raise HTTPException(404)
        more = {each: str(given.get(each, "")) for each in ("folder", "precision")}
        await run_in_threadpool(self._do, model, wanted, **more)
        return _json({})

    def _do(self, model: str, wanted: str, folder: str, precision: str) -> None:
        errand = self.errands.of(model)
        if wanted == "stop" and errand is not None:
            errand.stop()
        elif wanted == "forget":
            self.errands.forget(model)
        elif wanted == Kind.IMPORT:
            place = str(Path(folder).expanduser())
            self.errands.start(Kind.IMPORT, model, place, "--model", model)
        elif wanted in ("prepare", "delete_copy"):
            kind = Kind.PREPARE if wanted == "prepare" else Kind.DELETE
            self.errands.start(kind, model, model, "--precision", str(Precision(precision)))
        elif wanted in set(Kind):
            self.errands.start(Kind(wanted), model)

    def _model(
        self, wanted: Package, answers: tuple[Answer, ...], scale: int, language: str
    ) -> View:
        rows = [
            fit_view.row_view(each, scale, language) for each in answers if each.model == wanted.id
        ]
        found, errand = shelf.look(wanted), self.errands.of(wanted.id)
        badge = weights_view.badge(wanted, found, errand, language)
        return {"id": wanted.id, "name": wanted.name, "weights": badge, "rows": rows}

    def _pair_view(
        self, pair: Answer | None, chosen: Gpu | None, machine: Machine, language: str
    ) -> View | None:
        if pair is None:
            return None
        task = self.fitness.task
        measure = fit_view.measure_view(pair, chosen, machine, task, language)
        shown = fit_view.pair_view(pair, measure, language)
        card = CARDS[pair.model]
        return shown | {
            "marks": marks.marks(card, pair.precision, language),
            "confirmed": marks.confirmation(card, language),
        }

    def _weights_view(self, wanted: Package, pair: Answer | None, language: str) -> View:
        found, errand = shelf.look(wanted), self.errands.of(wanted.id)
        precision = pair.precision if pair else None
        return weights_view.weights_view(wanted, found, errand, language, precision)

    def _session(self, request: Request) -> Session:
        session = self.sessions.get(request.path_params["session"])
        if session is None:
            raise HTTPException(410)
        return session


def _target(machine: Machine, gpu: str, card: str) -> tuple[Gpu | None, CxrError | None]:
    """What to compare with: a typed card, the GPU with that index, else the one that is used."""
    if card.strip():
        try:
            return fit.typed(card), None
        except CxrError as error:
            return machine.first, error
    named = next((each for each in machine.gpus if str(each.index) == gpu), None)
    return named or machine.first, None


def _pair(answers: tuple[Answer, ...], model: str, precision: str) -> Answer | None:
    """The chosen pair; another precision of the model if that one is not offered."""
    of_model = [each for each in answers if each.model == model]
    exact = [each for each in of_model if each.precision == precision]
    return next(iter(exact or of_model), None)


def _json(content: View) -> JSONResponse:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})
