"""What the engine's statistics say of a container."""

from typing import Any

import pytest

from seatrial.engine.usage import Sample, read_sample

V1: dict[str, Any] = {
    "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    "memory_stats": {"usage": 1000, "max_usage": 3000},
    "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}, "eth1": {"rx_bytes": 10, "tx_bytes": 20}},
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"op": "Read", "value": 5},
            {"op": "Write", "value": 6},
            {"op": "Total", "value": 11},
            {"op": "Read", "value": 50},
        ]
    },
}
V2: dict[str, Any] = {
    "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
    "memory_stats": {"usage": 1000},
    "blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": 5}]},
}


def test_all_networks_and_devices_are_added_up() -> None:
    assert read_sample(V1) == Sample(2.5, 1000, 3000, 11, 22, 55, 6)


def test_newer_engines_tell_no_peak_and_write_operations_small() -> None:
    assert read_sample(V2) == Sample(2.5, 1000, None, 0, 0, 5, 0)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}},
        {"cpu_stats": {"cpu_usage": {"total_usage": 5}}, "memory_stats": {}},
        {"cpu_stats": None, "memory_stats": None},
    ],
)
def test_a_message_without_content_is_of_a_container_that_has_ended(raw: dict[str, Any]) -> None:
    assert read_sample(raw) is None


@pytest.mark.parametrize("blocks", [None, []])
def test_a_container_without_a_network_and_devices_used_none(blocks: object) -> None:
    sample = read_sample({**V2, "blkio_stats": {"io_service_bytes_recursive": blocks}})

    assert sample is not None
    assert (sample.received_bytes, sample.read_bytes, sample.written_bytes) == (0, 0, 0)
