from pathlib import Path, PurePosixPath

from seatrial.drill.injected import FAILING_TESTS, function_of, injected_files, stem_of
from seatrial.drill.sites import Site, find_sites
from seatrial.evidence.tests import Outcome, TestResult


def result(test: str, outcome: Outcome = "passed", *, setup: float = 0.0) -> TestResult:
    return TestResult(test, outcome, "c1", setup=setup)


def project_with(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("", encoding="utf-8")
    return folder


def folders(sites: tuple[Site, ...]) -> list[str]:
    return [site.folder.as_posix() for site in sites]


def test_each_folder_with_tests_that_passed_is_a_site_the_quickest_first(tmp_path: Path) -> None:
    project = project_with(tmp_path, "tests/api/test_a.py", "tests/unit/test_b.py", "test_c.py")

    sites = find_sites(
        [
            result("tests/api/test_a.py::test_1", setup=0.1),
            result("tests/api/test_a.py::test_2", setup=2.0),
            result("tests/unit/test_b.py::test_1", setup=0.01),
            result("test_c.py::test_1", "failed"),
        ],
        project,
    )

    assert folders(sites) == ["tests/unit", "tests/api"]


def test_a_root_folder_below_the_project_is_found_by_the_files_name(tmp_path: Path) -> None:
    project = project_with(tmp_path, "backend/tests/test_a.py")

    (site,) = find_sites([result("tests/test_a.py::test_1")], project)

    assert site.file("x") == PurePosixPath("backend/tests/test_x.py")
    assert site.node("x") == "tests/test_x.py"


def test_files_that_the_project_does_not_have_or_that_lead_out_are_no_sites(
    tmp_path: Path,
) -> None:
    project = project_with(tmp_path / "shop", "a/test_a.py", "b/test_a.py", "src/x.py")
    project_with(tmp_path, "test_out.py")
    results = [
        result("c/test_c.py::test_1"),
        result("test_a.py::test_1"),  # two could be meant
        result("../test_out.py::test_1"),
        result("/etc/test_x.py::test_1"),
        result("src/x.py::doctest"),
    ]

    assert find_sites(results, project) == ()


def test_names_follow_those_of_the_tests_beside_them(tmp_path: Path) -> None:
    project = project_with(tmp_path, "money_test.py")

    (site,) = find_sites([result("money_test.py::test_1")], project)

    assert site.node("seatrial_drill_hangs") == "seatrial_drill_hangs_test.py"


def test_failing_tests_go_into_every_folder_and_no_two_files_share_a_name() -> None:
    sites = [Site(PurePosixPath(name), PurePosixPath(name), False) for name in ("a", "b")]

    files = injected_files(sites, "db")

    names = [path.name for path in files]
    assert len(set(names)) == len(names) == 6
    for number, folder in enumerate(("a", "b"), 1):
        text = files[PurePosixPath(folder, f"test_{stem_of('fails', number)}.py")]
        for way in FAILING_TESTS:
            assert f"def {function_of('fails', way, number)}(" in text
    for text in files.values():
        compile(text, "injected", "exec")
