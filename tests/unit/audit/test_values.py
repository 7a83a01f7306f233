"""Which variables hold a secret, and how bad each is."""

import pytest

from seatrial.audit.secret_values import judge_value
from seatrial.evidence.audit import Severity


@pytest.mark.parametrize(
    ("name", "value", "severity"),
    [
        ("API_KEY", "Zx81kPq02LmV77sTrWq4", Severity.HIGH),
        ("ANY", "AKIAIOSFODNN7ABCDEFG", Severity.HIGH),
        ("KEY", "-----BEGIN RSA PRIVATE KEY-----", Severity.HIGH),
        ("TOKEN_SECRETS", "only-for-tests", Severity.LOW),
        ("SECRET_KEY", "test", Severity.LOW),
        ("DATABASE_URL", "postgresql://shop:shop@db:5432/shop", Severity.NOTE),
        ("DATABASE_URL", "postgresql://shop:shop@db.example.org/shop", Severity.MEDIUM),
        ("DATABASE_URL", "postgresql://u:Zx81kPq02LmV77sTrWq4@db.corp/x", Severity.HIGH),
        ("DATABASE_URL", "postgresql://db/shop", None),
        ("PASSWORD", "${PASSWORD}", None),
        ("PASSWORD", "", None),
        ("PASSWORD", "changeme", None),
        ("TOKEN_TTL", "3600", None),
        ("SECRET_FILE", "/run/secrets/x", None),
        ("COMPASS_MODE", "north", None),
        ("DEBUG", "yes please", None),
    ],
)
def test_a_value_is_judged_by_name_and_form(
    name: str, value: str, severity: Severity | None
) -> None:
    assert judge_value(name, value, hosts=frozenset({"db"})) is severity


def test_a_throwaway_database_may_have_its_password_in_the_file() -> None:
    assert judge_value("POSTGRES_PASSWORD", "shop", throwaway=True) is Severity.NOTE
