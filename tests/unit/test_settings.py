import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageFault
from seatrial.settings import Settings, load_settings


def write(project: Path, text: str, name: str = "seatrial.toml") -> None:
    (project / name).write_text(text, encoding="utf-8")


def test_a_project_without_settings_gets_the_defaults(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path)

    assert loaded.settings == Settings()
    assert loaded.sources == {}


def test_settings_come_from_seatrial_toml(tmp_path: Path) -> None:
    write(tmp_path, 'service = "web"\n[timeouts]\ntest = 60\n[budgets]\ntotal = 300\n')

    loaded = load_settings(tmp_path)

    assert loaded.settings.service == "web"
    assert loaded.settings.timeouts.test == 60
    assert loaded.settings.timeouts.start == 120
    assert loaded.settings.budgets.total == 300
    assert loaded.settings.budgets.build is None
    assert loaded.sources["timeouts.test"] == "seatrial.toml"


def test_settings_come_from_the_pyproject_table(tmp_path: Path) -> None:
    write(tmp_path, '[tool.seatrial]\ncompose_files = ["ci.yml"]\n', "pyproject.toml")

    loaded = load_settings(tmp_path)

    assert loaded.settings.compose_files == ("ci.yml",)
    assert loaded.sources == {"compose_files": "pyproject.toml [tool.seatrial]"}


def test_a_pyproject_without_the_table_sets_nothing(tmp_path: Path) -> None:
    write(tmp_path, '[project]\nname = "x"\n', "pyproject.toml")

    assert load_settings(tmp_path).settings == Settings()


def test_seatrial_toml_is_used_instead_of_the_pyproject_table(tmp_path: Path) -> None:
    write(tmp_path, 'service = "own"\n')
    write(tmp_path, '[tool.seatrial]\nservice = "other"\nprofiles = ["ci"]\n', "pyproject.toml")

    settings = load_settings(tmp_path).settings

    assert settings.service == "own"
    assert settings.profiles == ()


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'service = "file"\n[timeouts]\nstart = 5\ntest = 7\n')

    loaded = load_settings(tmp_path, {"service": "line", "timeouts.start": 9.0})

    assert loaded.settings.service == "line"
    assert loaded.settings.timeouts.start == 9
    assert loaded.settings.timeouts.test == 7
    assert loaded.sources["service"] == loaded.sources["timeouts.start"] == "command line"
    assert loaded.sources["timeouts.test"] == "seatrial.toml"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1000", 1000),
        ('"512 MiB"', 512 << 20),
        ('"2GiB"', 2 << 30),
        ('"1.5 gib"', 3 << 29),
        ('"2 GB"', 2_000_000_000),
        ('"7 B"', 7),
    ],
)
def test_a_budget_for_memory_is_bytes_or_says_its_unit(
    tmp_path: Path, text: str, size: int
) -> None:
    write(tmp_path, f"budgets.memory = {text}\n")

    assert load_settings(tmp_path).settings.budgets.memory == size


def test_what_was_not_given_on_the_command_line_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, 'service = "file"\n')

    loaded = load_settings(tmp_path, {"service": None, "timeouts.start": None})

    assert loaded.settings.service == "file"
    assert loaded.sources == {"service": "seatrial.toml"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('servcie = "web"', "servcie"),
        ("[timeouts]\ntset = 5", "timeouts.tset"),
        ("[timeouts]\ntest = -1", "timeouts.test"),
        ("[timeouts]\ntest = nan", "timeouts.test"),
        ("[budgets]\nbuild = 0", "budgets.build"),
        ("[budgets]\nmemory = '2 elephants'", "budgets.memory"),
        ("[budgets]\nmemory = 0", "budgets.memory"),
        ("[budgets]\ncpu = 80", "budgets.cpu"),
        ('services = "some"', "services"),
        ('external = "share"', "external"),
        ('source = "mount"', "source"),
        ("max_output_bytes = 0", "max_output_bytes"),
        ("compose_files = 5", "compose_files"),
        ("timeouts = 5", "timeouts"),
        ("command = 5", "command"),
        ("[prepare]\ncommand = 'x'\nfiles = ['a']", "prepare"),
        ("prepared = true\n[prepare]\ncommand = 'x'", "prepare"),
        ("prepared = true\n[prepare]\ncommand = ''\nfiles = ['a']", "prepare.command"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, text: str, key: str) -> None:
    write(tmp_path, text + "\n")

    with pytest.raises(UsageFault) as raised:
        load_settings(tmp_path)

    assert f"{key!r}" in raised.value.what
    assert raised.value.where == "seatrial.toml"
    assert raised.value.next_step


def test_a_wrong_value_of_the_command_line_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'service = "web"\n')

    with pytest.raises(UsageFault) as raised:
        load_settings(tmp_path, {"timeouts.start": -1.0})

    assert raised.value.where == "command line"


def test_a_group_that_is_no_table_is_a_fault_even_under_the_command_line(tmp_path: Path) -> None:
    write(tmp_path, "timeouts = 5\n")

    with pytest.raises(UsageFault, match="timeouts"):
        load_settings(tmp_path, {"timeouts.start": 5.0})


@pytest.mark.parametrize("text", ["tool = 5", "[tool]\nseatrial = 5", '[tool]\nseatrial = "x"'])
def test_a_pyproject_entry_that_is_no_table_is_a_fault(tmp_path: Path, text: str) -> None:
    write(tmp_path, text + "\n", "pyproject.toml")

    with pytest.raises(UsageFault) as raised:
        load_settings(tmp_path)

    assert "pyproject.toml" in raised.value.where


@pytest.mark.parametrize("name", ["seatrial.toml", "pyproject.toml"])
@pytest.mark.parametrize("content", [b"a = [", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_a_fault_with_its_path(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(UsageFault) as raised:
        load_settings(tmp_path)

    assert raised.value.where == str(tmp_path / name)
    assert "TOML" in raised.value.what


def test_a_command_may_be_words_or_a_line(tmp_path: Path) -> None:
    write(tmp_path, 'command = ["pytest", "-q"]\n')
    assert load_settings(tmp_path).settings.command == ("pytest", "-q")

    write(tmp_path, 'command = "pytest -q"\n')
    assert load_settings(tmp_path).settings.command == "pytest -q"


TOML_VALUES = st.one_of(
    st.integers(-10, 10).map(str),
    st.sampled_from(["true", "nan", "inf", "[]", "{}", '[""]', "1979-05-27", '"all"', "0.5"]),
    st.text(string.ascii_letters, max_size=5).map(lambda text: f'"{text}"'),
)


@given(
    values=st.dictionaries(st.sampled_from(sorted(Settings.model_fields)), TOML_VALUES, max_size=4),
    overrides=st.dictionaries(
        st.sampled_from(["timeouts.start", "timeouts.test", "service", "budgets.total"]),
        st.one_of(st.none(), st.floats(), st.text(max_size=3)),
        max_size=3,
    ),
)
def test_any_settings_are_either_valid_or_a_fault(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str], overrides: dict[str, Any]
) -> None:
    project = tmp_path_factory.mktemp("project")
    write(project, "".join(f"{key} = {value}\n" for key, value in values.items()))

    try:
        loaded = load_settings(project, overrides)
    except UsageFault as fault:
        assert fault.where in {"seatrial.toml", "command line"}  # noqa: PT017
    else:
        assert set(values) <= set(loaded.sources)
