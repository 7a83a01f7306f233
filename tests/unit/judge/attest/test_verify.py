import base64
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from seatrial.evidence.record import Status
from seatrial.evidence.tests import TestResult
from seatrial.judge.attest.envelope import KeyTrust, read_envelope, seal
from seatrial.judge.attest.interface import PAYLOAD_TYPE
from seatrial.judge.attest.strict_json import canonical
from seatrial.judge.attest.verify import Check, Demands, verified, verify
from seatrial.judge.model import Reason

from .signed import (
    COMMIT,
    FILES,
    IMAGE,
    NOW,
    OTHER_COMMIT,
    RECORD,
    WAIVED,
    Signed,
    make_signed,
    make_verdict,
    statement_of,
)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return make_signed(tmp_path_factory.mktemp("files"))


def resigned(signed: Signed, change: Any, payload_type: str = PAYLOAD_TYPE) -> Signed:
    """The verdict's statement, changed by `change` and signed again by a key that is trusted."""
    signer = CryptoSigner.generate_ed25519()
    statement = change(statement_of(signed.envelopes["verdict"]))
    payload = statement if isinstance(statement, bytes) else canonical(statement)
    envelope = Envelope(payload, payload_type, {})
    envelope.sign(signer)
    data = canonical(envelope.to_dict()) + b"\n"
    return Signed(signed.folder, {"verdict": data}, (signer.public_key,))


def test_untouched_envelopes_of_untouched_files_verify(signed: Signed) -> None:
    checks = signed.checks(
        Demands(
            commit=COMMIT,
            image=IMAGE,
            max_age=timedelta(days=2),
            min_score=95,
            criteria=("contained-tests",),
            no_waivers=True,
            policy="0" * 64,
        )
    )
    assert verified(checks)
    assert {check.result for check in checks} == {"passed"}
    assert {f"file {name}" for name in FILES} < {check.name for check in checks}


def test_nothing_to_check_is_not_verified() -> None:
    assert not verified(())


def test_what_was_not_asked_for_is_told_apart_from_what_passed(signed: Signed) -> None:
    results = {check.name: check.result for check in signed.checks()}
    for name in ("commit", "age", "waivers", "policy"):
        assert results[name] == "not asked for"


def test_other_rules_than_those_that_are_asked_for_fail(signed: Signed) -> None:
    assert signed.failed(Demands(policy="1" * 64)) == ["policy"]


@given(name=st.sampled_from(sorted(FILES)), where=st.integers(min_value=0), bit=st.integers(0, 7))
def test_any_changed_byte_of_a_covered_file_is_found_and_the_file_named(
    signed: Signed, name: str, where: int, bit: int
) -> None:
    path = signed.folder / name
    data = bytearray(FILES[name])
    data[where % len(data)] ^= 1 << bit
    try:
        path.write_bytes(data)
        assert signed.failed() == [f"file {name}"]
    finally:
        path.write_bytes(FILES[name])


@pytest.mark.parametrize("name", ["verdict", "test-result"])
def test_any_changed_byte_of_an_envelope_is_found(signed: Signed, name: str) -> None:
    data = signed.envelopes[name]
    trust = KeyTrust(signed.keys)
    for where in range(len(data)):
        # Of the last digit of base64, 0x02 may change nothing but its spare bits.
        for flip in (0x01, 0x02, 0x20, 0x80):
            changed = bytearray(data)
            changed[where] ^= flip
            held = verify({name: bytes(changed)}, trust, signed.folder, Demands(), NOW)
            found = {check.name for check in held if check.result == "failed"}
            assert found & {f"form of {name}", f"signature of {name}"}, where


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data[:-1] + b" ",
        lambda data: data[:-1] + b"\r",
        lambda data: data + b"\n",
        lambda data: data.replace(b":", b": ", 1),
        lambda data: json.dumps(json.loads(data), indent=2).encode(),
    ],
)
def test_another_spelling_of_an_envelope_is_refused(signed: Signed, change: Any) -> None:
    changed = {"verdict": change(signed.envelopes["verdict"])}
    assert Signed(signed.folder, changed, signed.keys).failed() == ["form of verdict"]


def test_a_longer_or_shorter_file_is_found(signed: Signed) -> None:
    path = signed.folder / RECORD
    for data in (FILES[RECORD] + b" ", FILES[RECORD][:-1], b""):
        path.write_bytes(data)
        assert signed.failed() == [f"file {RECORD}"]
    path.write_bytes(FILES[RECORD])


def test_a_file_that_is_not_there_fails(tmp_path: Path) -> None:
    signed = make_signed(tmp_path)
    (tmp_path / RECORD).unlink()
    failed = [check for check in signed.checks() if check.result == "failed"]
    assert failed == [Check(f"file {RECORD}", "failed", "it is not there")]


def test_a_file_replaced_by_a_pipe_a_folder_or_a_link_to_elsewhere_fails(tmp_path: Path) -> None:
    signed = make_signed(tmp_path / "project")
    path = signed.folder / RECORD
    path.unlink()
    os.mkfifo(path)
    assert signed.failed() == [f"file {RECORD}"]
    path.unlink()
    path.mkdir()
    assert signed.failed() == [f"file {RECORD}"]
    path.rmdir()
    outside = tmp_path / "outside.json"
    outside.write_bytes(FILES[RECORD])
    path.symlink_to(outside)
    assert signed.failed() == [f"file {RECORD}"]


@pytest.mark.parametrize("name", ["../outside.json", "/etc/hostname", "a/../../b", "a\0b"])
def test_a_path_that_leads_out_of_the_folder_is_not_followed(signed: Signed, name: str) -> None:
    def change(statement: Any) -> Any:
        statement["subject"].append({"name": name, "digest": {"sha256": "0" * 64}})
        return statement

    checks = resigned(signed, change).checks()
    assert [check.said for check in checks if check.result == "failed"] == [
        "its path leads out of the folder"
    ]


@pytest.mark.parametrize(
    "make", [CryptoSigner.generate_ed25519, CryptoSigner.generate_ecdsa], ids=["ed25519", "ecdsa"]
)
def test_each_kind_of_key_signs_and_another_key_of_its_kind_does_not_fit(
    tmp_path: Path, make: Any
) -> None:
    signed = make_signed(tmp_path, make())
    assert not signed.failed()
    other = Signed(tmp_path, signed.envelopes, (make().public_key,))
    assert other.failed() == ["signature of verdict", "signature of test-result"]


def test_a_key_that_borrows_the_id_of_the_signer_does_not_fit(signed: Signed) -> None:
    forged = CryptoSigner.generate_ed25519(keyid=signed.keys[0].keyid)
    data = seal(statement_of(signed.envelopes["verdict"]), [forged])
    assert Signed(signed.folder, {"verdict": data}, signed.keys).failed() == [
        "signature of verdict"
    ]


def test_nothing_that_an_envelope_says_is_looked_at_before_its_signature(signed: Signed) -> None:
    stranger = (CryptoSigner.generate_ed25519().public_key,)
    names = [check.name for check in Signed(signed.folder, signed.envelopes, stranger).checks()]
    assert not [name for name in names if not name.startswith(("form of", "signature of"))]


def test_a_second_implementation_of_dsse_accepts_the_envelope(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    signed = make_signed(tmp_path, CryptoSigner(private))
    envelope = json.loads(signed.envelopes["verdict"])
    kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"])
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    pae = b" ".join((b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload))
    private.public_key().verify(signature, pae)
    with pytest.raises(InvalidSignature):
        private.public_key().verify(signature, payload)


def test_another_commit_fails(signed: Signed) -> None:
    assert signed.failed(Demands(commit=OTHER_COMMIT)) == ["commit"]


def test_another_image_fails(signed: Signed) -> None:
    assert signed.failed(Demands(image="sha256:" + "cd" * 32)) == ["image"]


def test_an_older_approval_of_another_commit_cannot_be_played_again(tmp_path: Path) -> None:
    signer = CryptoSigner.generate_ed25519()
    older = make_signed(tmp_path, signer, commit=OTHER_COMMIT)
    newer = make_signed(tmp_path, signer)
    mixed = Signed(
        tmp_path,
        {"verdict": older.envelopes["verdict"], "test-result": newer.envelopes["test-result"]},
        newer.keys,
    )
    assert mixed.failed(Demands(commit=COMMIT)) == ["subjects", "commit"]


def test_an_older_approval_of_the_same_commit_fails_on_newer_files(tmp_path: Path) -> None:
    signed = make_signed(tmp_path)
    (tmp_path / RECORD).write_bytes(b'{"id":"another trial"}\n')
    assert signed.failed(Demands(commit=COMMIT)) == [f"file {RECORD}"]


def test_age_counts_from_the_trials_end_whenever_it_was_signed(tmp_path: Path) -> None:
    signed = make_signed(tmp_path, signed=NOW)
    assert signed.failed(Demands(max_age=timedelta(days=2))) == []
    assert signed.failed(Demands(max_age=timedelta(days=2)), NOW + timedelta(days=2)) == ["age"]


def test_what_was_signed_after_today_is_from_a_clock_that_was_set(tmp_path: Path) -> None:
    signed = make_signed(tmp_path, signed=NOW + timedelta(hours=1))
    assert signed.failed() == ["age"]


def test_a_rejection_that_is_signed_well_fails_and_says_why(tmp_path: Path) -> None:
    reasons = (Reason(key="dirty-tree", what="files differ from the commit"),)
    signed = make_signed(tmp_path, verdict=make_verdict(approved=False, reasons=reasons))
    failed = [check for check in signed.checks() if check.result == "failed"]
    assert failed == [Check("decision", "failed", "rejected: dirty-tree")]


def test_a_score_below_what_is_asked_fails(signed: Signed) -> None:
    assert signed.failed(Demands(min_score=96)) == ["score"]
    assert signed.failed(Demands(min_score=float("nan"))) == ["score"]


@pytest.mark.parametrize("key", ["coverage-extracted", "never-heard-of"])
def test_a_criterion_that_is_not_met_fails_if_it_is_required(signed: Signed, key: str) -> None:
    assert signed.failed(Demands(criteria=(key,))) == [f"criterion {key}"]


def test_a_waiver_fails_where_none_are_wanted_and_once_it_expired(tmp_path: Path) -> None:
    signed = make_signed(tmp_path, verdict=make_verdict(waived=(WAIVED,)))
    assert signed.failed() == []
    assert signed.failed(Demands(no_waivers=True)) == ["waivers"]
    assert signed.failed(now=NOW + timedelta(days=60)) == ["waivers"]


def test_failed_tests_fail_whatever_the_verdict_says(tmp_path: Path) -> None:
    failing = (TestResult("t.py::a", "passed", "c"), TestResult("t.py::b", "failed", "c"))
    assert make_signed(tmp_path, results=failing).failed() == ["tests of test-result"]
    assert make_signed(tmp_path, status=Status.OVER_BUDGET).failed() == ["tests of test-result"]
    assert make_signed(tmp_path, results=()).failed() == ["tests of test-result"]


def test_failed_tests_that_are_named_fail_although_the_result_says_otherwise(
    signed: Signed,
) -> None:
    signer = CryptoSigner.generate_ed25519()
    statement = statement_of(signed.envelopes["test-result"])
    statement["predicate"] |= {"result": "WARNED", "failedTests": ["t.py::b"]}
    lying = Signed(
        signed.folder,
        {
            "verdict": seal(statement_of(signed.envelopes["verdict"]), [signer]),
            "test-result": seal(statement, [signer]),
        },
        (signer.public_key,),
    )
    assert lying.failed() == ["tests of test-result"]


def test_a_test_that_did_not_simply_pass_has_a_warning(tmp_path: Path) -> None:
    results = (
        TestResult("t.py::a", "passed", "c"),
        TestResult("t.py::b", "skipped", "c"),
        TestResult("t.py::c", "xfailed", "c"),
        TestResult("t.py::d", "passed", "c", reruns=1),
    )
    signed = make_signed(tmp_path, results=results)
    predicate = statement_of(signed.envelopes["test-result"])["predicate"]
    assert predicate["result"] == "WARNED"
    assert predicate["passedTests"] == ["t.py::a"]
    assert predicate["warnedTests"] == ["t.py::b", "t.py::c", "t.py::d"]
    assert predicate["failedTests"] == []
    assert signed.failed() == []


def test_without_a_verdict_nothing_is_approved(signed: Signed) -> None:
    alone = Signed(signed.folder, {"t": signed.envelopes["test-result"]}, signed.keys)
    assert alone.failed() == ["decision"]


def test_every_key_asked_for_must_have_signed(tmp_path: Path) -> None:
    one, two, three = (CryptoSigner.generate_ed25519() for _ in range(3))
    signed = make_signed(tmp_path, one, two)
    assert Signed(tmp_path, signed.envelopes, signed.keys, threshold=2).failed() == []
    keys = (one.public_key, three.public_key)
    assert Signed(tmp_path, signed.envelopes, keys, threshold=1).failed() == []
    assert Signed(tmp_path, signed.envelopes, keys, threshold=2).failed() == [
        "signature of verdict",
        "signature of test-result",
    ]


def test_one_signature_that_is_there_twice_counts_once(signed: Signed) -> None:
    table = json.loads(signed.envelopes["verdict"])
    table["signatures"] *= 2
    doubled = {"verdict": canonical(table) + b"\n"}
    assert Signed(signed.folder, doubled, signed.keys).failed() == ["form of verdict"]


def test_a_signature_of_a_known_key_that_does_not_fit_fails_beside_one_that_does(
    tmp_path: Path,
) -> None:
    one, two = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
    signed = make_signed(tmp_path, one, two)
    table = json.loads(signed.envelopes["verdict"])
    table["signatures"][1]["sig"] = table["signatures"][0]["sig"]
    broken = Signed(tmp_path, {"verdict": canonical(table) + b"\n"}, signed.keys)
    assert broken.failed() == ["signature of verdict"]


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table | {"payloadType": "application/json"},
        lambda table: table | {"signatures": []},
        lambda table: table | {"signatures": {}},
        lambda table: table | {"signatures": [{}]},
        lambda table: table | {"signatures": [{"keyid": 1, "sig": 2}]},
        lambda table: table | {"signatures": [table["signatures"][0] | {"extra": 1}]},
        lambda table: table | {"payload": table["payload"].replace("=", "") + "!"},
        lambda table: table | {"payload": 5},
        lambda table: table | {"more": 1},
        lambda table: [table],
        lambda table: None,
    ],
)
def test_what_is_no_envelope_is_called_so(signed: Signed, change: Any) -> None:
    data = canonical(change(json.loads(signed.envelopes["verdict"]))) + b"\n"
    assert Signed(signed.folder, {"v": data}, signed.keys).failed() == ["form of v"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"payload":"","payload":""}\n',
        b'{"a":NaN}',
        b'{"payload":"\\ud800","payloadType":"x","signatures":[]}',
    ],
)
def test_hostile_bytes_end_in_a_check_that_failed(signed: Signed, data: bytes) -> None:
    assert Signed(signed.folder, {"v": data}, signed.keys).failed() == ["form of v"]


def test_an_envelope_that_is_too_large_is_not_even_parsed(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seatrial.judge.attest.envelope.MAX_SEALED", 10)
    with pytest.raises(ValueError, match="too large"):
        read_envelope(signed.envelopes["verdict"])


@pytest.mark.parametrize(
    "change",
    [
        lambda statement: statement | {"predicateType": "https://slsa.dev/provenance/v1"},
        lambda statement: statement | {"_type": "https://in-toto.io/Statement/v0.1"},
        lambda statement: statement | {"subject": []},
        lambda statement: statement | {"predicate": {}},
        lambda statement: statement | {"predicate": []},
        lambda statement: b'{"_type":"a",' + canonical(statement)[1:],
        lambda statement: b"[]",
        lambda statement: b"\xff",
    ],
)
def test_a_statement_of_another_kind_fails_although_it_is_signed(
    signed: Signed, change: Any
) -> None:
    assert resigned(signed, change).failed() == ["statement of verdict"]


def test_a_payload_signed_as_another_type_fails(signed: Signed) -> None:
    other = resigned(signed, lambda statement: statement, "application/vnd.other+json")
    assert other.failed() == ["form of verdict"]
    # Told to be ours afterwards: the signature covers the type.
    table = json.loads(other.envelopes["verdict"]) | {"payloadType": PAYLOAD_TYPE}
    confused = Signed(signed.folder, {"verdict": canonical(table) + b"\n"}, other.keys)
    assert confused.failed() == ["signature of verdict"]


def test_evidence_that_is_no_subject_fails(signed: Signed) -> None:
    def change(statement: Any) -> Any:
        statement["predicate"]["evidence"][RECORD] = "0" * 64
        return statement

    assert resigned(signed, change).failed() == ["statement of verdict"]


def test_a_statement_of_two_commits_is_of_none(signed: Signed) -> None:
    def change(statement: Any) -> Any:
        statement["subject"].append({"name": "commit", "digest": {"gitCommit": OTHER_COMMIT}})
        return statement

    assert resigned(signed, change).failed(Demands(commit=COMMIT)) == ["commit"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(categories=("Cc", "Cs", "L")), max_size=20))
def test_nothing_that_is_said_carries_control_characters(signed: Signed, text: str) -> None:
    def change(statement: Any) -> Any:
        person = text.encode("utf-8", "ignore").decode()
        statement["predicate"]["reasons"] = [f"\x1b]0;{person}\x07"]
        return statement

    for check in resigned(signed, change).checks():
        assert not {char for char in check.said if ord(char) < 32 and char not in "\n\t"}
