import pytest

from seatrial.errors import EnvironmentFault, ExitCode, SeatrialError, UsageFault


def test_exit_codes_keep_the_numbers_that_scripts_rely_on() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "TESTS_FAILED": 1,
        "USAGE": 2,
        "ENVIRONMENT": 3,
        "BUDGET": 4,
        "NO_TESTS": 5,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SeatrialError("x"), ExitCode.ENVIRONMENT),
        (UsageFault("x"), ExitCode.USAGE),
        (EnvironmentFault("x"), ExitCode.ENVIRONMENT),
    ],
)
def test_a_fault_knows_its_exit_code(fault: SeatrialError, code: ExitCode) -> None:
    assert fault.exit_code is code


def test_a_fault_tells_what_happened_where_and_what_to_do_next() -> None:
    fault = UsageFault("it broke", where="compose.yml", next_step="mend it", details=("a", "b"))

    assert str(fault) == fault.what == "it broke"
    assert (fault.where, fault.next_step) == ("compose.yml", "mend it")
    assert fault.details == ("a", "b")


def test_a_fault_may_have_neither_place_nor_advice() -> None:
    fault = SeatrialError("it broke")

    assert (fault.where, fault.next_step, fault.details) == ("", "", ())
