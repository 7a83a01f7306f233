from collections.abc import Sequence
from pathlib import Path

from seatrial.stack.outputs import OutputPath, find_outputs
from unit.stack.forms import bind, make_services, volume

APP = Path("/home/me/app")


def find(
    *outputs: str, taken: tuple[str, ...] = (), **services: Sequence[object]
) -> list[OutputPath]:
    typed = make_services(**{name: {"volumes": list(mounts)} for name, mounts in services.items()})
    return list(find_outputs(typed, "test", project=APP, outputs=outputs, taken=taken))


def test_a_folder_within_a_mounted_one_is_where_the_container_sees_it() -> None:
    assert find("build/reports", test=[bind(APP, "/src")]) == [
        OutputPath(
            "build/reports", "test", "/src/build/reports", "reports", APP / "build" / "reports"
        )
    ]


def test_a_path_of_the_container_that_is_mounted_has_its_origin_on_this_machine() -> None:
    (found,) = find("/src/reports", test=[bind(APP, "/src")])

    assert (found.path, found.origin) == ("/src/reports", APP / "reports")


def test_a_path_that_is_not_mounted_is_the_test_containers() -> None:
    found = find("reports", "/var/log/app", test=[], api=[volume("data", "/data")])

    assert found == [
        OutputPath("reports", "test", "reports", "reports"),
        OutputPath("/var/log/app", "test", "/var/log/app", "app"),
    ]


def test_of_mounts_within_each_other_the_inner_one_has_it() -> None:
    mounts = [bind(APP, "/src"), bind(APP / "build", "/out")]

    assert [found.path for found in find("build/reports", test=mounts)] == ["/out/reports"]


def test_the_test_services_mount_comes_before_that_of_another() -> None:
    found = find("data/out", api=[bind(APP / "data", "/d")], test=[bind(APP, "/src")])

    assert [(one.service, one.path) for one in found] == [("test", "/src/data/out")]


def test_what_only_another_service_mounts_is_taken_from_that() -> None:
    found = find("data/out", test=[], api=[bind(APP / "data", "/d")])

    assert [(one.service, one.path) for one in found] == [("api", "/d/out")]


def test_a_mount_that_is_itself_named_is_none_of_these() -> None:
    assert find("reports", "/logs", test=[bind(APP / "reports", "/r"), bind(APP, "/logs")]) == []


def test_two_outputs_of_one_name_are_kept_apart() -> None:
    found = find("a/reports", "b/reports", "..", test=[], taken=("reports",))

    assert [one.name for one in found] == ["reports-2", "reports-3", "root"]
