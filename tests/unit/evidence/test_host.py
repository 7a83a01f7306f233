"""What is known of the machine: told by the engine, the kernel or a container."""

from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.host import cpu_model, own_cpuinfo, read_host

INFO: dict[str, Any] = {
    "KernelVersion": "6.1.0",
    "Architecture": "x86_64",
    "NCPU": 4,
    "MemTotal": 8 << 30,
    "Driver": "overlay2",
}
X86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 85\nmodel name\t: Xeon  Gold 6130\n"
ARM_SERVER = (
    "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
    "CPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n"
)


def test_the_engine_tells_of_its_machine() -> None:
    host = read_host(INFO, {"Version": "27.1.1", "Components": [{"Name": "Engine"}]}, "2.30.1")

    assert host.engine == "Docker Engine 27.1.1"
    assert (host.compose, host.kernel, host.architecture) == ("2.30.1", "6.1.0", "x86_64")
    assert (host.cores, host.memory_bytes, host.storage_driver) == (4, 8 << 30, "overlay2")


def test_podman_is_called_by_its_name() -> None:
    host = read_host(INFO, {"Version": "4.9", "Components": [{"Name": "Podman Engine"}]}, "2")

    assert host.engine == "Podman 4.9"


def test_what_an_engine_does_not_tell_is_unknown() -> None:
    host = read_host({}, {}, "2")

    assert (host.engine, host.kernel) == ("Docker Engine unknown", "unknown")
    assert (host.cores, host.memory_bytes, host.cpu, host.cpu_from) == (0, 0, "", "nobody")


@pytest.mark.parametrize(
    ("own", "told", "model", "source"),
    [
        (X86, "", "Xeon Gold 6130", "this machine"),
        (X86, "model name: made up", "Xeon Gold 6130", "this machine"),
        ("", X86, "Xeon Gold 6130", "a container"),
        ("", "nothing of use", "", "nobody"),
    ],
)
def test_the_record_says_who_told_the_processors_model(
    own: str, told: str, model: str, source: str
) -> None:
    host = read_host(INFO, {}, "2", own=own, told=told)

    assert (host.cpu, host.cpu_from) == (model, source)


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        (X86, "Xeon Gold 6130"),
        (ARM_SERVER, "ARM, implementer 0x41, variant 0x3, part 0xd0c"),
        (
            ARM_SERVER + "\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
            "Raspberry Pi 4 Model B Rev 1.4",
        ),
        ("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported"),
        ("vendor_id       : IBM/S390\n", ""),
        ("model name: \x1b[31mred\x1b[0m\u202e\n", "red"),
        ("model name: " + "x" * 9999, "x" * 200),
        ("", ""),
    ],
)
def test_the_model_is_read_from_what_kernels_of_all_kinds_say(cpuinfo: str, model: str) -> None:
    assert cpu_model(cpuinfo) == model


def test_this_machines_file_counts_only_where_the_engine_shares_its_kernel(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(X86)

    assert own_cpuinfo(INFO, engine_is_local=True, kernel="6.1.0", path=path) == X86
    assert own_cpuinfo(INFO, engine_is_local=True, kernel="6.1.0-vm", path=path) == ""
    assert own_cpuinfo(INFO, engine_is_local=False, kernel="6.1.0", path=path) == ""
    assert own_cpuinfo(INFO, engine_is_local=True, kernel="6.1.0", path=tmp_path / "no") == ""
