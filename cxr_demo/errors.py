"""All errors that a user can meet, each with one sentence per language: what is wrong, what to do.

    CxrError
    ├── StudyError            the file cannot be opened as a chest radiograph
    ├── ModelError            the model cannot be loaded or cannot read this
    │   ├── PhantomsOnly
    │   ├── WeightsMissing / WeightsRefused
    │   ├── PrecisionUnsupported
    │   └── OutOfMemory
    └── WorkerError           the process that owns the GPU
        ├── WorkerDied / WorkerBusy / WorkerUnreachable
        └── LeaseHeld

Errors travel between processes as `to_dict()` and come back as `from_dict()`. Parameters are facts
about the file or the machine (sizes, codes), never names of patients, files or folders of patients.
One that is words is given in both languages, `both(en, pt)`; bytes stay numbers, named in `sizes`.
Floors above add leaves of their own by subclassing; a subclass registers itself by its `code`.
"""

from typing import Any, ClassVar

from cxr_demo.units import format_bytes


def both(en: str, pt: str) -> dict[str, str]:
    """Words as an error's parameter: `message` takes those of its language."""
    return {"en": en, "pt": pt}


def in_language(value: Any, language: str) -> Any:
    """Of what `both` made the words of `language`; anything else as it is."""
    if isinstance(value, dict) and value.keys() == {"en", "pt"}:
        return value["pt" if language == "pt" else "en"]
    return value


def unreadable(name: str) -> dict[str, str]:
    """That the file or folder `name` cannot be read, as an error's parameter."""
    return both(f"{name} cannot be read", f"{name} não pode ser lido")


class CxrError(Exception):
    """Root. `code` is stable and machine readable; `en` and `pt` are `str.format` templates.
    `sizes`: parameters that are bytes, None where nobody knows."""

    code: ClassVar[str] = "error"
    en: ClassVar[str] = "Something went wrong: {detail}. The log in the private folder says more."
    pt: ClassVar[str] = "Algo deu errado: {detail}. O registro na pasta privada diz mais."
    sizes: ClassVar[tuple[str, ...]] = ()
    _by_code: ClassVar[dict[str, type["CxrError"]]] = {}

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.message("en"))

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        CxrError._by_code[cls.code] = cls

    def message(self, language: str = "en") -> str:
        """One sentence in `language` ("pt" or "en")."""
        return self._filled(self.pt if language == "pt" else self.en, language)

    def _filled(self, template: str, language: str) -> str:
        said = {name: self._said(name, each, language) for name, each in self.params.items()}
        return template.format_map(_Missing(said))

    def _said(self, name: str, value: Any, language: str) -> Any:
        if name in self.sizes and isinstance(value, int | None):
            return format_bytes(value, language)
        return in_language(value, language)

    def to_dict(self) -> dict[str, Any]:
        """`{"code", "params"}`, JSON-ready."""
        return {"code": self.code, "params": self.params}

    @staticmethod
    def from_dict(record: dict[str, Any]) -> "CxrError":
        """The error that `to_dict` described; an unknown code becomes the root error."""
        kind = CxrError._by_code.get(record["code"])
        if kind is None:
            return CxrError(detail=record["code"])
        return kind(**record["params"])


class _Missing(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class StudyError(CxrError):
    """The file is not a chest radiograph that this app can open; leaves live in `studies`."""

    code = "study"
    en = "This file could not be opened as a chest radiograph: {detail}. Open another file."
    pt = "Este arquivo não pôde ser aberto como radiografia de tórax: {detail}. Abra outro arquivo."


class ModelError(CxrError):
    """The model cannot be loaded, or cannot read this radiograph."""

    code = "model"
    en = "The model {model} failed: {detail}. Try again or choose another model."
    pt = "O modelo {model} falhou: {detail}. Tente de novo ou escolha outro modelo."


class PhantomsOnly(ModelError):
    """The embedded model was asked to read something that is not one of our phantoms."""

    code = "phantoms_only"
    en = (
        "The embedded model reads the synthetic samples of this app only, never a patient's "
        "radiograph: choose another model, or install one as the About screen describes."
    )
    pt = (
        "O modelo embutido lê apenas as amostras sintéticas deste aplicativo, nunca a radiografia "
        "de um paciente: escolha outro modelo, ou instale um como descreve a tela Sobre."
    )


class WeightsMissing(ModelError):
    """The folder with the model's weights is not there or not complete."""

    code = "weights_missing"
    en = (
        "The weights of {model} are not on this machine ({missing}): run `python -m cxr_demo "
        "weights fetch {id}`, or put them into {folder}."
    )
    pt = (
        "Os pesos de {model} não estão nesta máquina ({missing}): execute `python -m cxr_demo "
        "weights fetch {id}`, ou coloque-os em {folder}."
    )


class WeightsRefused(ModelError):
    """The checkpoint holds something else than this model's tensors in safetensors files."""

    code = "weights_refused"
    en = "The weights of {model} were refused: {detail}. Fetch them again from their publisher."
    pt = "Os pesos de {model} foram recusados: {detail}. Baixe-os de novo de quem os publica."


class PrecisionUnsupported(ModelError):
    """This GPU, or this model, cannot run the precision that was asked for."""

    code = "precision_unsupported"
    en = "{model} cannot run in {precision} here: {detail}. Choose another precision."
    pt = "{model} não roda em {precision} aqui: {detail}. Escolha outra precisão."


class OutOfMemory(ModelError):
    """The GPU's memory did not suffice. `free` and, where it can be told, `needed` are bytes,
    `free` None where nobody knows; `offer` is what would fit, `{"model", "precision"}`, or None.
    """

    code = "out_of_memory"
    en = "{model} needs more GPU memory than is free ({free}): try 4 bits, or free the GPU."
    pt = (
        "{model} precisa de mais memória de GPU do que há livre ({free}): "
        "tente 4 bits ou libere a GPU."
    )
    sizes = ("needed", "free")
    _told: ClassVar[dict[str, tuple[str, str, str]]] = {
        "en": (
            "{model} needs {needed} of memory and {free} are free: ",
            "go on in 4 bits, or free the GPU.",
            "free the GPU, or choose a smaller model.",
        ),
        "pt": (
            "{model} precisa de {needed} de memória e há {free} livres: ",
            "continue em 4 bits ou libere a GPU.",
            "libere a GPU ou escolha um modelo menor.",
        ),
    }

    def message(self, language: str = "en") -> str:
        """One sentence in `language` ("pt" or "en"), with what is known."""
        if "needed" not in self.params:
            return super().message(language)
        opening, with_offer, without = self._told["pt" if language == "pt" else "en"]
        ending = with_offer if self.params.get("offer") else without
        return self._filled(opening + ending, language)


class WorkerError(CxrError):
    """Something about the process that owns the GPU."""

    code = "worker"
    en = "The model process reported a problem: {detail}. Try again."
    pt = "O processo do modelo relatou um problema: {detail}. Tente de novo."


class WorkerDied(WorkerError):
    """The worker ended in the middle of a request; it is started again by itself."""

    code = "worker_died"
    en = "The model process ended unexpectedly and is starting again: press Generate once more."
    pt = "O processo do modelo terminou inesperadamente e está reiniciando: gere o laudo de novo."


class WorkerBusy(WorkerError):
    """Another reading is in progress on this GPU."""

    code = "worker_busy"
    en = "The GPU is reading another radiograph: wait until it is done, or stop it."
    pt = "A GPU está lendo outra radiografia: espere terminar, ou pare a leitura."


class WorkerUnreachable(WorkerError):
    """The worker did not answer in time."""

    code = "worker_unreachable"
    en = "The model process does not answer ({detail}): run `python -m cxr_demo doctor`."
    pt = "O processo do modelo não responde ({detail}): execute `python -m cxr_demo doctor`."


class LeaseHeld(WorkerError):
    """Another process holds this machine's GPU."""

    code = "lease_held"
    en = "Process {pid} of this app already uses the GPU: close it, or read through it."
    pt = "O processo {pid} deste aplicativo já usa a GPU: feche-o, ou leia por meio dele."
