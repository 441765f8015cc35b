"""What is wrong with this machine, and the line that mends it. Imports no torch.

Sources of the limits: PyTorch's CUDA support matrix for releases 2.12 to 2.14 (CUDA 13 wheels:
compute capability 7.5 and up; CUDA 12.6 wheels: 5.0 and up), and NVIDIA's table of driver versions
(CUDA 13: driver 580; a driver serves every CUDA of its own major version).
"""

from dataclasses import asdict, dataclass
from typing import Any

from cxr_demo.telemetry.facts import Facts, GpuFacts, gather
from cxr_demo.units import GIB, format_bytes

PYTHON = (3, 11)
DISK_NEEDED = 2 * GIB
DRIVER_FOR_CUDA = {13: "580", 12: "525"}
OLDEST_CARD = {13: (7, 5), 12: (5, 0)}
_INDEX = "https://download.pytorch.org/whl"


@dataclass(frozen=True)
class Diagnosis:
    """One thing that is wrong: a sentence per language, and the exact line that mends it (None if
    there is none). `blocking`: the app cannot do its work at all, rather than slowly or less."""

    code: str
    en: str
    pt: str
    mend: str | None = None
    blocking: bool = False

    def message(self, language: str = "en") -> str:
        """What is wrong, in `language` ("pt" or "en")."""
        return self.pt if language == "pt" else self.en

    def to_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)


def diagnose(facts: Facts | None = None) -> list[Diagnosis]:
    """What is wrong with `facts` (by default with this machine), the worst first; [] if nothing."""
    known = gather() if facts is None else facts
    found = [*_python(known), *_installation(known), *_gpu(known), *_storage(known)]
    return sorted(found, key=lambda each: not each.blocking)


# ---------------------------------------------------------------- the GPU


def _gpu(facts: Facts) -> list[Diagnosis]:
    """One cause at most, the first that torch would stumble over."""
    if facts.card_without_driver:
        return [_no_driver(facts)]
    if not facts.gpus or facts.torch is None:
        return []
    if facts.torch_cuda is None:
        return [_cpu_build(facts)]
    if facts.driver_cuda is not None and facts.driver_cuda[0] < facts.torch_cuda[0]:
        return [_old_driver(facts)]
    oldest = OLDEST_CARD.get(facts.torch_cuda[0])
    cards = [each for each in facts.gpus if each.capability is not None]
    if oldest and cards and all((each.capability or ()) < oldest for each in cards):
        return [_old_card(facts, cards[0])]
    return []


def _no_driver(facts: Facts) -> Diagnosis:
    return Diagnosis(
        "gpu_no_driver",
        "This machine has an NVIDIA card, but its driver is not installed or does not answer: "
        "the models run on the CPU, slowly. Install the driver and restart the machine.",
        "Esta máquina tem uma placa NVIDIA, mas o driver não está instalado ou não responde: "
        "os modelos rodam na CPU, devagar. Instale o driver e reinicie a máquina.",
        _driver_line(facts.system),
    )


def _cpu_build(facts: Facts) -> Diagnosis:
    name = facts.gpus[0].name
    return Diagnosis(
        "torch_cpu_build",
        f"The {name} is not used: the installed torch {facts.torch} was built for the CPU only. "
        "Install the CUDA build.",
        f"A {name} não é usada: o torch {facts.torch} instalado é a versão só para CPU. "
        "Instale a versão com CUDA.",
        _torch_line(facts),
    )


def _old_driver(facts: Facts) -> Diagnosis:
    """A driver of CUDA 12 can stay, with torch's build for it: no administrator is needed then."""
    major = facts.torch_cuda[0] if facts.torch_cuda else 13
    wanted = DRIVER_FOR_CUDA.get(major, "newer")
    name = facts.gpus[0].name
    can_stay = facts.driver_cuda is not None and facts.driver_cuda[0] == 12
    advice = ("Update the driver and restart the machine", "Atualize o driver e reinicie a máquina")
    if can_stay:
        advice = (
            f"{advice[0]}, or install torch's build for CUDA 12.6",
            f"{advice[1]}, ou instale o torch para CUDA 12.6",
        )
    return Diagnosis(
        "driver_too_old",
        f"The {name} is not used: its driver {facts.driver} is too old for torch's CUDA {major}, "
        f"which needs driver {wanted} or newer. {advice[0]}.",
        f"A {name} não é usada: o driver {facts.driver} é antigo demais para a CUDA {major} do "
        f"torch, que exige o driver {wanted} ou mais novo. {advice[1]}.",
        _torch_line(facts) if can_stay else _driver_line(facts.system),
    )


def _old_card(facts: Facts, card: GpuFacts) -> Diagnosis:
    has = ".".join(map(str, card.capability or ()))
    mendable = (card.capability or ()) >= OLDEST_CARD[12]
    advice = ("Install the build for CUDA 12.6.", "Instale a versão para CUDA 12.6.")
    if not mendable:
        advice = (
            "The models run on the CPU, slowly; only a newer card helps.",
            "Os modelos rodam na CPU, devagar; só uma placa mais nova resolve.",
        )
    return Diagnosis(
        "card_too_old",
        f"The {card.name} (compute capability {has}) is too old for the installed torch. "
        f"{advice[0]}",
        f"A {card.name} (capacidade de computação {has}) é antiga demais para o torch instalado. "
        f"{advice[1]}",
        _torch_line(facts) if mendable else None,
    )


def _torch_line(facts: Facts) -> str:
    """The build that driver and card can both run."""
    old_driver = facts.driver_cuda is not None and facts.driver_cuda[0] < 13
    capability = facts.gpus[0].capability
    old_card = capability is not None and capability < OLDEST_CARD[13]
    build = "cu126" if old_driver or old_card else "cu130"
    return _pip(
        facts.system, f"--force-reinstall torch=={_plain(facts)} --index-url {_INDEX}/{build}"
    )


def _plain(facts: Facts) -> str:
    """torch's version without its build, e.g. "2.13.0"."""
    wanted, _ = facts.packages.get("torch", (facts.torch or "", None))
    return wanted.split("+")[0]


def _driver_line(system: str) -> str:
    if system == "Windows":
        return "start https://www.nvidia.com/drivers"
    return "sudo ubuntu-drivers install"


def _pip(system: str, arguments: str) -> str:
    python = r".venv\Scripts\python" if system == "Windows" else ".venv/bin/python"
    return f"{python} -m pip install {arguments}"


# ---------------------------------------------------------------- the rest


def _python(facts: Facts) -> list[Diagnosis]:
    if facts.python[:2] >= PYTHON:
        return []
    has = ".".join(map(str, facts.python))
    return [
        Diagnosis(
            "python_too_old",
            f"Python {has} is too old: install Python 3.11 and run `make run` again.",
            f"O Python {has} é antigo demais: instale o Python 3.11 e execute `make run` de novo.",
            "winget install --exact --id Python.Python.3.11"
            if facts.system == "Windows"
            else "sudo apt install python3.11 python3.11-venv",
            blocking=True,
        )
    ]


def _installation(facts: Facts) -> list[Diagnosis]:
    missing = [name for name, (_, has) in facts.packages.items() if has is None]
    other = [
        f"{name} {has} ({wanted})"
        for name, (wanted, has) in facts.packages.items()
        if has is not None and has.split("+")[0] != wanted
    ]
    line = _pip(facts.system, "-r requirements.txt")
    found = []
    if missing:
        names = ", ".join(missing)
        found.append(
            Diagnosis(
                "packages_missing",
                f"Packages are missing: {names}. Install the requirements.",
                f"Faltam pacotes: {names}. Instale os requisitos.",
                line,
                blocking=True,
            )
        )
    if other:
        names = ", ".join(other)
        found.append(
            Diagnosis(
                "packages_differ",
                f"Packages differ from the tested versions: {names}. Install the requirements.",
                f"Há pacotes em versões diferentes das testadas: {names}. Instale os requisitos.",
                line,
            )
        )
    return found


def _storage(facts: Facts) -> list[Diagnosis]:
    found = []
    if not facts.private_folder_writable:
        found.append(
            Diagnosis(
                "private_folder",
                "The app cannot write into its private folder: name another one in CXR_DEMO_HOME.",
                "O aplicativo não consegue gravar na sua pasta privada: indique outra em "
                "CXR_DEMO_HOME.",
                r"setx CXR_DEMO_HOME D:\cxr-demo"
                if facts.system == "Windows"
                else "export CXR_DEMO_HOME=$HOME/cxr-demo",
                blocking=True,
            )
        )
    if facts.disk_free is not None and facts.disk_free < DISK_NEEDED:
        free, wanted = format_bytes(facts.disk_free), format_bytes(DISK_NEEDED)
        found.append(
            Diagnosis(
                "disk_full",
                f"Only {free} are free on the disk of the private folder: make {wanted} free.",
                f"Há só {free} livres no disco da pasta privada: libere {wanted}.",
            )
        )
    if not facts.embedded_model:
        found.append(
            Diagnosis(
                "embedded_model_missing",
                "The embedded model is not in `assets`: fetch the program again, whole.",
                "O modelo embutido não está em `assets`: baixe o programa de novo, inteiro.",
                "git checkout -- assets",
            )
        )
    return found
