import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.errors import UsageFault
from seatrial.judge.attest.keys import read_public_key, read_signer

ED25519 = ("-algorithm", "ed25519")
P256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
K256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1")

MakeKey = Callable[..., tuple[Path, Path]]


@pytest.fixture
def make_key(tmp_path: Path) -> MakeKey:
    """Makes keys as the documentation tells users to."""

    def make(*arguments: str, folder: Path = tmp_path) -> tuple[Path, Path]:
        private, public = folder / "key.pem", folder / "key.pub"
        subprocess.run(
            ["openssl", "genpkey", *arguments, "-out", private], check=True, capture_output=True
        )
        locked = ["-passin", "pass:secret"] if "-pass" in arguments else []
        subprocess.run(
            ["openssl", "pkey", "-in", private, *locked, "-pubout", "-out", public],
            check=True,
            capture_output=True,
        )
        return private, public

    return make


@pytest.mark.parametrize("kind", [ED25519, P256], ids=["ed25519", "p256"])
def test_both_halves_of_a_key_of_openssl_have_one_id(
    make_key: MakeKey, kind: tuple[str, ...]
) -> None:
    private, public = make_key(*kind)
    assert read_signer(private, None).public_key.keyid == read_public_key(public).keyid


def test_a_locked_key_wants_its_password_and_says_where_it_belongs(make_key: MakeKey) -> None:
    private, _ = make_key(*ED25519, "-aes-256-cbc", "-pass", "pass:secret")
    assert read_signer(private, "secret").public_key.keytype == "ed25519"
    for password in (None, "", "wrong"):
        with pytest.raises(UsageFault) as caught:
            read_signer(private, password)
        assert "SEATRIAL_KEY_PASSWORD" in caught.value.next_step


@pytest.mark.parametrize("kind", [RSA, K256], ids=["rsa", "secp256k1"])
def test_other_kinds_of_keys_are_refused(make_key: MakeKey, kind: tuple[str, ...]) -> None:
    private, public = make_key(*kind)
    with pytest.raises(UsageFault, match="kind of key"):
        read_signer(private, None)
    with pytest.raises(UsageFault, match="kind of key"):
        read_public_key(public)


def test_the_private_half_is_not_taken_where_the_public_one_belongs(make_key: MakeKey) -> None:
    private, public = make_key(*ED25519)
    with pytest.raises(UsageFault, match="private key"):
        read_public_key(private)
    with pytest.raises(UsageFault, match="cannot be read"):
        read_signer(public, None)


@pytest.mark.parametrize("data", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\n", b"x" * 100_000])
def test_what_is_no_key_is_a_fault_with_a_next_step(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(data)
    for read in (read_public_key, lambda one: read_signer(one, None)):
        with pytest.raises(UsageFault) as caught:
            read(path)
        assert "openssl genpkey" in caught.value.next_step


def test_a_key_that_is_not_there_or_is_a_folder_is_a_fault(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageFault, match="no such key file"):
            read_public_key(path)


def test_a_key_that_version_control_has_or_would_take_is_refused(
    make_key: MakeKey, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    subprocess.run(["git", "init", "-q", project], check=True)
    private, _ = make_key(*ED25519, folder=project)
    with pytest.raises(UsageFault, match="under version control"):
        read_signer(private, None)
    (tmp_path / "link.pem").symlink_to(private)
    with pytest.raises(UsageFault, match="under version control"):
        read_signer(tmp_path / "link.pem", None)
    (project / ".gitignore").write_text("*.pem\n")
    assert read_signer(private, None).public_key.keytype == "ed25519"
    subprocess.run(["git", "-C", project, "add", "-f", "key.pem"], check=True)
    with pytest.raises(UsageFault, match="under version control"):
        read_signer(private, None)
