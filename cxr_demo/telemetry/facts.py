"""What the doctor looks at, gathered without importing torch: the driver, the installed packages
and the disk. Everything here only asks; `doctor.diagnose` judges.
"""

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pynvml

from cxr_demo.paths import assets_dir, private_dir
from cxr_demo.telemetry import nvml

Version = tuple[int, ...]


@dataclass(frozen=True)
class GpuFacts:
    """One NVIDIA GPU; `capability` is CUDA's compute capability, e.g. (8, 6)."""

    name: str
    capability: Version | None = None


@dataclass(frozen=True)
class Facts:
    """A machine. Versions are tuples, bytes are bytes, None is what could not be found out.

    `driver_cuda` is the newest CUDA version that the driver serves, `torch_cuda` the one that the
    installed torch was built for (None for a CPU build). `card_without_driver`: an NVIDIA card is
    on the bus, but the driver does not answer. `packages`: name -> (required, installed).
    """

    system: str = "Linux"
    python: Version = (3, 11)
    gpus: tuple[GpuFacts, ...] = ()
    card_without_driver: bool = False
    driver: str | None = None
    driver_cuda: Version | None = None
    torch: str | None = None
    torch_cuda: Version | None = None
    packages: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    disk_free: int | None = None
    private_folder_writable: bool = True
    embedded_model: bool = True


def gather() -> Facts:
    """The facts of this machine. Takes well under a second."""
    driver = nvml.open_nvml()
    cuda = nvml.ask(pynvml.nvmlSystemGetCudaDriverVersion) if driver else None
    writable = _private_folder_writable()
    return Facts(
        system=platform.system(),
        python=sys.version_info[:3],
        gpus=tuple(_gpu(handle) for handle in nvml.handles()),
        card_without_driver=not driver and _card_on_the_bus(),
        driver=_text(nvml.ask(pynvml.nvmlSystemGetDriverVersion)) if driver else None,
        driver_cuda=None if cuda is None else (cuda // 1000, cuda % 1000 // 10),
        torch=_installed("torch"),
        torch_cuda=_torch_cuda(),
        packages=_packages(),
        disk_free=shutil.disk_usage(private_dir()).free if writable else None,
        private_folder_writable=writable,
        embedded_model=any(assets_dir().rglob("*.safetensors")),
    )


def _gpu(handle: object) -> GpuFacts:
    capability = nvml.ask(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    return GpuFacts(
        name=nvml.name(handle) or "NVIDIA GPU",
        capability=None if capability is None else tuple(capability),
    )


def _card_on_the_bus() -> bool:
    """Linux tells which cards are plugged in without any driver; elsewhere this stays false."""
    for device in Path("/sys/bus/pci/devices").glob("*"):
        try:
            vendor, kind = (device / "vendor").read_text(), (device / "class").read_text()
        except OSError:
            continue
        if vendor.strip() == "0x10de" and kind.startswith("0x03"):  # NVIDIA, display controller
            return True
    return False


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch_cuda() -> Version | None:
    """From torch's own version file, read as text: importing torch takes seconds."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None
    try:
        text = (Path(found.origin).parent / "version.py").read_text()
    except OSError:
        return None
    match = re.search(r"^cuda[^=\n]*=\s*'(\d+)\.(\d+)'", text, re.MULTILINE)
    return None if match is None else (int(match[1]), int(match[2]))


def _packages() -> dict[str, tuple[str, str | None]]:
    requirements = assets_dir().parent / "requirements.txt"
    if not requirements.exists():
        return {}
    pins = re.findall(r"^([\w.-]+)==([\w.+]+)", requirements.read_text(), re.MULTILINE)
    return {name: (version, _installed(name)) for name, version in pins}


def _private_folder_writable() -> bool:
    try:
        probe = private_dir() / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError:
        return False
    return True


def _text(answer: str | bytes | None) -> str | None:
    return answer.decode() if isinstance(answer, bytes) else answer
