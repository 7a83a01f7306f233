import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from typer.testing import CliRunner, Result

from seatrial.cli.app import app
from seatrial.errors import EnvironmentFault, ExitCode, SeatrialError, UsageFault
from seatrial.judge.attest.bundle import IdentityTrust, read_verifier
from seatrial.judge.attest.keyless import KeylessSeal
from seatrial.judge.attest.strict_json import canonical
from seatrial.judge.attest.verify import Check, Demands, verified, verify

from .instance import IDENTITY, ISSUER, RUNNER_SECRET, Instance, new_key, served
from .judged import OFFLINE, git
from .signed import (
    COMMIT,
    IMAGE,
    NO_DEMANDS,
    NOW,
    OTHER_COMMIT,
    RECORD,
    Signed,
    make_signed,
    statement_of,
)


@pytest.fixture(scope="module")
def instance() -> Instance:
    return Instance()


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return make_signed(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def bundles(instance: Instance, signed: Signed) -> dict[str, bytes]:
    return bundled(instance, signed)


def bundled(instance: Instance, signed: Signed, **services: Any) -> dict[str, bytes]:
    """The same statements as the envelopes have, signed at an instance."""
    with served(instance) as url:
        described = instance.trust_config(url, **services)
        config = ClientTrustConfig.from_json(json.dumps(described))
        seal = KeylessSeal(IdentityToken(instance.token()), lambda: config)
        return {name: seal(statement_of(data)).data for name, data in signed.envelopes.items()}


def trust(
    instance: Instance, folder: Path, identity: str = IDENTITY, issuer: str = ISSUER
) -> IdentityTrust:
    root = folder / "trusted_root.json"
    root.write_text(json.dumps(instance.trusted_root()))
    return IdentityTrust(identity, issuer, read_verifier(root))


def failed(
    bundles: Mapping[str, bytes],
    whom: IdentityTrust,
    folder: Path,
    demands: Demands = NO_DEMANDS,
) -> list[Check]:
    checks = verify(bundles, whom, folder, demands, NOW)
    return [one for one in checks if one.result == "failed"]


def signature_fault(bundles: Mapping[str, bytes], whom: IdentityTrust, folder: Path) -> str:
    """Why no signature holds: the same for all."""
    found = failed(bundles, whom, folder)
    assert [one.name for one in found] == [f"signature of {name}" for name in bundles]
    (said,) = {one.said for one in found}
    return said


def test_what_an_identity_signed_verifies_as_what_a_key_signed(
    instance: Instance, signed: Signed, bundles: dict[str, bytes], tmp_path: Path
) -> None:
    demands = Demands(
        commit=COMMIT,
        image=IMAGE,
        max_age=timedelta(days=2),
        min_score=95,
        criteria=("contained-tests",),
        no_waivers=True,
        policy="0" * 64,
    )
    checks = verify(bundles, trust(instance, tmp_path), signed.folder, demands, NOW)
    assert verified(checks)
    assert {check.result for check in checks} == {"passed"}
    assert [check.name for check in checks] == [check.name for check in signed.checks(demands)]


def test_signed_times_and_the_newer_log_hold_as_well(
    instance: Instance, signed: Signed, tmp_path: Path
) -> None:
    whom = trust(instance, tmp_path)
    both = bundled(instance, signed, stamped=True)
    assert failed(both, whom, signed.folder) == []
    newer = bundled(instance, signed, rekor=2, stamped=True)
    assert failed(newer, whom, signed.folder) == []
    another_clock = trust(replace(instance, time_key=new_key()), tmp_path)
    assert "verified time" in signature_fault(newer, another_clock, signed.folder)
    root = instance.trusted_root() | {"tlogs": Instance().trusted_root()["tlogs"]}
    (tmp_path / "other.json").write_text(json.dumps(root))
    another_log = IdentityTrust(IDENTITY, ISSUER, read_verifier(tmp_path / "other.json"))
    assert "log entry" in signature_fault(newer, another_log, signed.folder)


def test_a_log_that_promises_no_time_is_not_enough_without_a_signed_one(
    instance: Instance, signed: Signed
) -> None:
    with pytest.raises(EnvironmentFault, match="timestamp"):
        bundled(instance, signed, rekor=2)


@pytest.mark.parametrize(
    ("demands", "names"),
    [
        (Demands(commit=OTHER_COMMIT), ["commit"]),
        (Demands(max_age=timedelta(hours=1)), ["age"]),
        (Demands(policy="1" * 64), ["policy"]),
        (Demands(min_score=99), ["score"]),
    ],
)
def test_the_demands_hold_for_an_identity_too(
    instance: Instance,
    signed: Signed,
    bundles: dict[str, bytes],
    tmp_path: Path,
    demands: Demands,
    names: list[str],
) -> None:
    found = failed(bundles, trust(instance, tmp_path), signed.folder, demands)
    assert [one.name for one in found] == names


def test_a_changed_file_beside_a_bundle_is_found(instance: Instance, tmp_path: Path) -> None:
    signed = make_signed(tmp_path / "files")
    made = bundled(instance, signed)
    (signed.folder / RECORD).write_bytes(b"{}")
    found = failed(made, trust(instance, tmp_path), signed.folder)
    assert [one.name for one in found] == [f"file {RECORD}"]


@pytest.mark.parametrize(
    ("identity", "issuer", "said"),
    [
        (IDENTITY.replace("main", "other"), ISSUER, "SANs do not match"),
        (IDENTITY.removesuffix("main"), ISSUER, "SANs do not match"),
        ("", ISSUER, "SANs do not match"),
        (IDENTITY, "https://gitlab.example.org", "OIDCIssuer does not match"),
        (IDENTITY, "", "OIDCIssuer does not match"),
    ],
)
def test_another_identity_or_another_issuer_fails(
    instance: Instance,
    signed: Signed,
    bundles: dict[str, bytes],
    tmp_path: Path,
    identity: str,
    issuer: str,
    said: str,
) -> None:
    whom = trust(instance, tmp_path, identity, issuer)
    assert said in signature_fault(bundles, whom, signed.folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: Instance(), "certificate chain"),
        (lambda one: replace(one, ct_key=new_key()), "SCT"),
        (lambda one: replace(one, log_key=new_key()), "log entry"),
    ],
    ids=["of all", "of the certificates' log", "of the signatures' log"],
)
def test_other_trusted_keys_fail(
    instance: Instance,
    signed: Signed,
    bundles: dict[str, bytes],
    tmp_path: Path,
    change: Any,
    said: str,
) -> None:
    assert said in signature_fault(bundles, trust(change(instance), tmp_path), signed.folder)


def test_authorities_that_had_expired_when_it_was_signed_fail(
    signed: Signed, tmp_path: Path
) -> None:
    expired = Instance(authorities_end=datetime.now(UTC) - timedelta(days=1))
    made = bundled(expired, signed)
    assert "certificate chain" in signature_fault(made, trust(expired, tmp_path), signed.folder)


def test_the_certificates_end_after_the_signature_is_no_fault(
    instance: Instance, signed: Signed, bundles: dict[str, bytes], tmp_path: Path
) -> None:
    # NOW, by which age counts, lies far from the ten minutes of the certificate.
    assert failed(bundles, trust(instance, tmp_path), signed.folder) == []


def flip(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "path",
    [
        "dsseEnvelope.payload",
        "dsseEnvelope.signatures.0.sig",
        "verificationMaterial.certificate.rawBytes",
        "verificationMaterial.tlogEntries.0.canonicalizedBody",
        "verificationMaterial.tlogEntries.0.inclusionPromise.signedEntryTimestamp",
        "verificationMaterial.tlogEntries.0.inclusionProof.rootHash",
        "verificationMaterial.tlogEntries.0.inclusionProof.hashes.0",
    ],
)
def test_each_signed_part_of_a_bundle_is_checked(
    instance: Instance, signed: Signed, bundles: dict[str, bytes], tmp_path: Path, path: str
) -> None:
    table = place = json.loads(bundles["verdict"])
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        place = place[step]
    place[last] = flip(place[last])
    found = failed({"v": canonical(table)}, trust(instance, tmp_path), signed.folder)
    assert found
    assert {one.name for one in found} <= {"form of v", "signature of v"}


def test_no_changed_byte_of_a_bundle_changes_what_is_read(
    instance: Instance, bundles: dict[str, bytes], tmp_path: Path
) -> None:
    whom = trust(instance, tmp_path)
    data = bundles["verdict"]
    payload = whom.held(data).payload
    assert payload is not None
    for where in range(0, len(data), 13):
        changed = bytearray(data)
        changed[where] ^= 0x01
        try:
            assert whom.held(bytes(changed)).payload in {None, payload}, where
        except ValueError:
            continue


def test_an_entry_of_another_signature_does_not_stand_for_this_one(
    instance: Instance, signed: Signed, bundles: dict[str, bytes], tmp_path: Path
) -> None:
    one, other = (json.loads(bundles[name]) for name in ("verdict", "test-result"))
    entries = other["verificationMaterial"]["tlogEntries"]
    one["verificationMaterial"]["tlogEntries"] = entries
    found = failed({"v": canonical(one)}, trust(instance, tmp_path), signed.folder)
    assert [one.name for one in found] == ["signature of v"]
    assert "log entry" in found[0].said


def test_a_payload_signed_as_another_type_fails(
    instance: Instance, signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigstore.dsse.Envelope._TYPE", "application/vnd.other+json")
    made = bundled(instance, signed)
    assert "not of the type" in signature_fault(made, trust(instance, tmp_path), signed.folder)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"mediaType":"a","mediaType":"b"}',
        b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{}}',
    ],
)
def test_what_is_no_bundle_is_called_so(instance: Instance, tmp_path: Path, data: bytes) -> None:
    found = failed({"v": data}, trust(instance, tmp_path), tmp_path)
    assert [one.name for one in found] == ["form of v"]


def test_a_bundle_that_is_too_large_is_not_even_parsed(
    instance: Instance,
    bundles: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("seatrial.judge.attest.bundle.MAX_SEALED", 10)
    with pytest.raises(ValueError, match="too large"):
        trust(instance, tmp_path).held(bundles["verdict"])


def test_envelopes_and_bundles_are_told_apart(
    instance: Instance, signed: Signed, bundles: dict[str, bytes], tmp_path: Path
) -> None:
    (envelope, *_) = failed(signed.envelopes, trust(instance, tmp_path), signed.folder)
    assert "--key" in envelope.said
    (bundle, *_) = Signed(signed.folder, bundles, signed.keys).checks()
    assert "--identity" in bundle.said


@pytest.mark.parametrize("text", ["", "{}", "[]", None])
def test_a_trusted_root_that_cannot_be_read_is_a_fault(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "root.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageFault) as caught:
        read_verifier(path)
    assert "--trusted-root" in caught.value.next_step


@pytest.fixture
def job(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The environment of a job of GitHub Actions that may have an identity; the instance's URL."""
    no_job(monkeypatch)
    with served(instance) as url:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{url}/token?api-version=2")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", RUNNER_SECRET)
        yield url


def no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "ACTIONS_", "GITLAB_", "BUILDKITE", "CIRCLECI", "GOOGLE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def config(instance: Instance, job: str, tmp_path: Path) -> Path:
    path = tmp_path / "trust.json"
    path.write_text(json.dumps(instance.trust_config(job)))
    return path


def attest(project: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["attest", "-C", str(project), "--keyless", *arguments])


def test_a_job_signs_and_a_machine_without_a_network_verifies(
    project: Path, config: Path, instance: Instance, tmp_path: Path
) -> None:
    handed, root = tmp_path / "handed", tmp_path / "trusted_root.json"
    root.write_text(json.dumps(instance.trusted_root()))
    commit = git(project, "rev-parse", "HEAD")
    out = ["--output", str(handed), "--with-files"]
    made = attest(project, "--trust-config", str(config), *out)
    assert made.exit_code == 0, made.output
    assert f"signed by: --identity {IDENTITY} --issuer {ISSUER}\n" in made.output
    project.rename(tmp_path / "gone")
    bundles = sorted(str(path) for path in handed.glob("*.sigstore.json"))
    assert [Path(path).name for path in bundles] == [
        "test-result.sigstore.json",
        "verdict.sigstore.json",
    ]
    asked = ["--files", str(handed), "--commit", commit, "--identity", IDENTITY]

    def check(*arguments: str) -> subprocess.CompletedProcess[str]:
        # A home that is empty: what sigstore once fetched on this machine plays no part.
        return subprocess.run(
            [sys.executable, "-c", OFFLINE, "verify", *bundles, *asked, *arguments],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": "", "XDG_DATA_HOME": ""},
        )

    done = check("--issuer", ISSUER, "--trusted-root", str(root))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{IDENTITY} signed it, for which {ISSUER} vouches" in " ".join(done.stdout.split())
    public = check("--issuer", ISSUER)  # by the root that the package brings
    assert (public.returncode, public.stderr) == (1, "")
    assert "NOT VERIFIED" in public.stdout


def test_without_an_identity_it_is_said_how_a_job_gets_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_job(monkeypatch)
    nowhere = attest(project)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    not_allowed = attest(project)
    for made in (nowhere, not_allowed):
        assert isinstance(made.exception, UsageFault)
        assert "id-token: write" in made.exception.next_step
    assert not list(project.rglob("*.sigstore.json"))


@pytest.mark.parametrize("path", ["/token", "/api/v2/signingCert", "/api/v1/log/entries"])
def test_a_service_that_fails_is_a_fault_and_nothing_is_written(
    project: Path, config: Path, instance: Instance, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(instance, "broken", path)
    made = attest(project, "--trust-config", str(config))
    assert isinstance(made.exception, EnvironmentFault)
    assert made.exception.exit_code is ExitCode.ENVIRONMENT
    assert made.exception.next_step
    assert RUNNER_SECRET not in str(made.exception)
    assert not list(project.rglob("*.sigstore.json"))


@pytest.mark.parametrize("text", [None, "", "{}"])
def test_a_trust_configuration_that_cannot_be_read_is_a_fault(
    project: Path, job: str, tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "none.json"
    if text is not None:
        path.write_text(text)
    made = attest(project, "--trust-config", str(path))
    assert isinstance(made.exception, UsageFault)
    assert made.exception.where == str(path)


@pytest.mark.parametrize(
    "arguments",
    [
        ["attest", "--key", "a.pem", "--keyless"],
        ["attest", "--key", "a.pem", "--trust-config", "t.json"],
        ["verify", "a.json"],
        ["verify", "a.json", "--identity", IDENTITY],
        ["verify", "a.json", "--issuer", ISSUER],
        ["verify", "a.json", "--identity", "", "--issuer", ISSUER],
        ["verify", "a.json", "--identity", IDENTITY, "--issuer", ""],
        ["verify", "a.json", "--identity", IDENTITY, "--issuer", ISSUER, "--key", "a.pub"],
        ["verify", "a.json", "--identity", IDENTITY, "--issuer", ISSUER, "--threshold", "1"],
    ],
)
def test_who_signs_or_signed_is_said_in_one_way(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, SeatrialError)
    assert done.exception.exit_code is ExitCode.USAGE


def test_the_program_starts_without_sigstore() -> None:
    code = "import sys, seatrial.cli.app; sys.exit(any('sigstore' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
