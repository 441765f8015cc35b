import json
import subprocess
import sys
from dataclasses import replace

import pytest

from cxr_demo.telemetry.doctor import diagnose
from cxr_demo.telemetry.facts import Facts, GpuFacts, gather
from cxr_demo.units import GIB

HEALTHY = Facts(
    system="Linux",
    python=(3, 11, 7),
    gpus=(GpuFacts("NVIDIA RTX A2000", (8, 6)),),
    driver="580.65.06",
    driver_cuda=(13, 0),
    torch="2.13.0",
    torch_cuda=(13, 0),
    packages={"torch": ("2.13.0", "2.13.0"), "gradio": ("6.31.0", "6.31.0")},
    disk_free=100 * GIB,
)
CPU_BUILD = replace(
    HEALTHY,
    torch="2.13.0+cpu",
    torch_cuda=None,
    packages={"torch": ("2.13.0", "2.13.0+cpu")},
)
INDEX = "--index-url https://download.pytorch.org/whl"


def only(facts):
    (found,) = diagnose(facts)
    assert found.en != found.pt and found.en[-1] == found.pt[-1] == "."
    return found


def test_a_healthy_machine_and_one_without_nvidia_need_no_doctor():
    assert diagnose(HEALTHY) == []
    assert diagnose(replace(CPU_BUILD, gpus=(), driver=None, driver_cuda=None)) == []


def test_a_cpu_build_of_torch():
    found = only(CPU_BUILD)
    assert found.code == "torch_cpu_build"
    assert "NVIDIA RTX A2000" in found.en and "2.13.0+cpu" in found.pt
    assert found.mend == (
        f".venv/bin/python -m pip install --force-reinstall torch==2.13.0 {INDEX}/cu130"
    )
    windows = only(replace(CPU_BUILD, system="Windows"))
    assert windows.mend.startswith(r".venv\Scripts\python -m pip install ")


@pytest.mark.parametrize(
    "limited",
    [{"driver_cuda": (12, 4)}, {"gpus": (GpuFacts("Quadro P2000", (6, 1)),)}],
)
def test_the_line_for_a_cpu_build_names_one_that_driver_and_card_can_run(limited):
    assert only(replace(CPU_BUILD, **limited)).mend.endswith("/cu126")


def test_an_old_driver():
    old = only(replace(HEALTHY, driver="535.183.01", driver_cuda=(12, 2)))
    assert old.code == "driver_too_old"
    assert "535.183.01" in old.en and "580" in old.pt
    assert old.mend.endswith("/cu126")  # works at once, without an administrator
    older = only(replace(HEALTHY, driver="470.1", driver_cuda=(11, 4)))
    assert "ubuntu-drivers" in older.mend
    assert (
        "nvidia.com"
        in only(replace(HEALTHY, driver="470.1", driver_cuda=(11, 4), system="Windows")).mend
    )
    assert diagnose(replace(HEALTHY, driver="575.1", driver_cuda=(13, 1))) == []


def test_an_old_card():
    volta = only(replace(HEALTHY, gpus=(GpuFacts("Tesla V100", (7, 0)),)))
    assert volta.code == "card_too_old" and "7.0" in volta.en
    assert volta.mend.endswith("/cu126")
    kepler = only(replace(HEALTHY, gpus=(GpuFacts("Tesla K80", (3, 7)),)))
    assert kepler.mend is None
    both = (GpuFacts("Tesla K80", (3, 7)), GpuFacts("NVIDIA RTX A2000", (8, 6)))
    assert diagnose(replace(HEALTHY, gpus=both)) == []  # one usable card is enough


def test_a_card_without_a_driver():
    found = only(replace(HEALTHY, gpus=(), driver=None, driver_cuda=None, card_without_driver=True))
    assert found.code == "gpu_no_driver" and found.mend


def test_the_installation_and_the_disk():
    packages = {"torch": ("2.13.0", None), "gradio": ("6.31.0", "5.0")}
    broken = replace(
        HEALTHY,
        python=(3, 9, 2),
        torch=None,
        packages=packages,
        disk_free=10_000_000,
        private_folder_writable=False,
        embedded_model=False,
    )
    found = {each.code: each for each in diagnose(broken)}
    assert set(found) == {
        "python_too_old",
        "packages_missing",
        "packages_differ",
        "private_folder",
        "disk_full",
        "embedded_model_missing",
    }
    blocking = [each.blocking for each in diagnose(broken)]
    assert blocking == sorted(blocking, reverse=True) and any(blocking)
    assert "gradio 5.0 (6.31.0)" in found["packages_differ"].en
    assert "9.5 MiB" in found["disk_full"].pt


def test_this_machine_is_looked_at_without_importing_torch():
    code = (
        "import sys; from cxr_demo.telemetry.doctor import diagnose; diagnose();"
        "sys.exit('torch' in sys.modules or 'gradio' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
    facts = gather()
    assert facts.python[:2] == sys.version_info[:2]
    assert facts.private_folder_writable and facts.disk_free > 0
    assert facts.packages["torch"][0] == "2.13.0"
    assert facts.torch == facts.packages["torch"][1]


def test_the_command_prints_what_diagnose_says():
    done = subprocess.run(
        [sys.executable, "-m", "cxr_demo", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert printed == [each.to_dict() for each in diagnose()]
    assert done.returncode == (1 if printed else 0)
