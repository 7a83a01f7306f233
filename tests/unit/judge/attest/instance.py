"""A Sigstore instance of one's own: a certificate authority, its log, and the log of signatures.

It answers over HTTP as the interfaces of Fulcio (v2), Rekor (v1 and v2) and timestamp authorities
(RFC 3161) are published, and gives out identities as GitHub Actions does. Everything that a client
checks is really signed, by keys made here.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .timestamping import stamp

WORKFLOW = "acme/shop/.github/workflows/ship.yml@refs/heads/main"
IDENTITY = f"https://github.com/{WORKFLOW}"
"""As Fulcio writes it for a job of GitHub Actions."""
ISSUER = "https://token.actions.githubusercontent.com"
RUNNER_SECRET = "the runner's"
_OIDC_SECRET = "only the provider of identities has this one"
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_SHA256 = ec.ECDSA(hashes.SHA256())
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(spki(key)).digest()


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def authority(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    end: datetime,
    parent: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None = None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuer_key = parent or (subject, key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_LONG_AGO)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )


@dataclass(frozen=True)
class Proof:
    """That a leaf is in the log."""

    index: int
    size: int
    root: bytes
    path: list[bytes]
    checkpoint: str


@dataclass
class Instance:
    """The keys of all services, and the log's leaves."""

    authorities_end: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    ca_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    ct_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    time_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    leaves: list[bytes] = field(default_factory=lambda: [b"one", b"two", b"three"])
    """Of the signatures' log, which others have used before."""
    identity: str = WORKFLOW
    """The workflow that jobs get identities of."""
    broken: str = ""
    """The path of a service that fails."""

    @cached_property
    def root(self) -> x509.Certificate:
        return authority("local root", self.root_key, self.authorities_end)

    @cached_property
    def ca(self) -> x509.Certificate:
        parent = (self.root.subject, self.root_key)
        return authority("local intermediate", self.ca_key, self.authorities_end, parent)

    @cached_property
    def clock(self) -> x509.Certificate:
        """Of the timestamp authority."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local clock")])
        stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.root.subject)
            .public_key(self.time_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_LONG_AGO)
            .not_valid_after(self.authorities_end)
            .add_extension(usage(digital_signature=True), critical=True)
            .add_extension(stamping, critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()),
                critical=False,
            )
            .sign(self.root_key, hashes.SHA256())
        )

    def token(self) -> str:
        now = datetime.now(UTC)
        claims = {"iss": ISSUER, "aud": "sigstore", "sub": "repo:acme/shop:ref:refs/heads/main"}
        times = {"iat": now, "exp": now + timedelta(minutes=5)}
        return jwt.encode(
            claims | times | {"job_workflow_ref": self.identity}, _OIDC_SECRET, algorithm="HS256"
        )

    def certify(self, token: str, request: bytes) -> x509.Certificate:
        """A certificate for the identity of a token: ten minutes, entered in the log of them."""
        claims = jwt.decode(token, _OIDC_SECRET, algorithms=["HS256"], audience="sigstore")
        asked = x509.load_pem_x509_csr(request)
        assert asked.is_signature_valid
        now = datetime.now(UTC).replace(microsecond=0)
        san = x509.UniformResourceIdentifier(f"https://github.com/{claims['job_workflow_ref']}")
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.ca.subject)
            .public_key(asked.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + timedelta(minutes=10))
            .add_extension(usage(digital_signature=True), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca_key.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectAlternativeName([san]), critical=True)
            .add_extension(
                x509.UnrecognizedExtension(_ISSUER, claims["iss"].encode()), critical=False
            )
        )
        before = builder.sign(self.ca_key, hashes.SHA256())
        sct = self._sct(before.tbs_certificate_bytes, int(now.timestamp() * 1000))
        return builder.add_extension(x509.UnrecognizedExtension(_SCTS, sct), critical=False).sign(
            self.ca_key, hashes.SHA256()
        )

    def _sct(self, certificate: bytes, milliseconds: int) -> bytes:
        """The promise (RFC 6962, 3.2 and 3.3) to log a certificate, as an extension's value."""
        issuer = fingerprint(self.ca_key)
        length = len(certificate).to_bytes(3, "big")
        entry = struct.pack("!BBQH", 0, 0, milliseconds, 1) + issuer + length + certificate
        signature = self.ct_key.sign(entry + b"\0\0", _SHA256)
        log = fingerprint(self.ct_key)
        one = b"\0" + log + struct.pack("!QHBBH", milliseconds, 0, 4, 3, len(signature)) + signature
        listed = struct.pack("!HH", len(one) + 2, len(one)) + one
        assert len(listed) < 128  # so that the length below is one byte
        return bytes([4, len(listed)]) + listed

    def enter(self, proposed: dict[str, Any]) -> dict[str, Any]:
        """An entry of the log, as Rekor's API v1 answers that it is in it."""
        content = proposed["spec"]["proposedContent"]
        envelope = json.loads(content["envelope"])
        payload = base64.b64decode(envelope["payload"])
        certificate = x509.load_pem_x509_certificate(base64.b64decode(content["verifiers"][0]))
        kind = envelope["payloadType"].encode()
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
        pae = b" ".join((b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(payload), payload))
        public = certificate.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify(signature, pae, _SHA256)
        spec = {
            "envelopeHash": digest(content["envelope"].encode()),
            "payloadHash": digest(payload),
            "signatures": [{"signature": b64(signature), "verifier": content["verifiers"][0]}],
        }
        body = canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        proof = self._append(body)
        promised = {
            "body": b64(body),
            "integratedTime": int(datetime.now(UTC).timestamp()),
            "logID": fingerprint(self.log_key).hex(),
            "logIndex": proof.index,
        }
        verification = {
            "inclusionProof": {
                "checkpoint": proof.checkpoint,
                "hashes": [one.hex() for one in proof.path],
                "logIndex": proof.index,
                "rootHash": proof.root.hex(),
                "treeSize": proof.size,
            },
            "signedEntryTimestamp": b64(self.log_key.sign(canonical(promised), _SHA256)),
        }
        return {"0" * 64: promised | {"verification": verification}}

    def enter_v2(self, proposed: dict[str, Any]) -> dict[str, Any]:
        """The same for API v2, which knows digests alone and promises no time."""
        request = proposed["hashedRekordRequestV002"]
        signature = request["signature"]
        der = base64.b64decode(signature["verifier"]["x509Certificate"]["rawBytes"])
        public = x509.load_der_x509_certificate(der).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        hashed = ec.ECDSA(Prehashed(hashes.SHA256()))
        sha256 = base64.b64decode(request["digest"])
        public.verify(base64.b64decode(signature["content"]), sha256, hashed)
        data = {"algorithm": "SHA2_256", "digest": request["digest"]}
        spec = {"hashedRekordV002": {"data": data, "signature": signature}}
        body = canonical({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec})
        proof = self._append(body)
        return {
            "logIndex": str(proof.index),
            "logId": {"keyId": b64(fingerprint(self.log_key))},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "inclusionProof": {
                "logIndex": str(proof.index),
                "rootHash": b64(proof.root),
                "treeSize": str(proof.size),
                "hashes": [b64(one) for one in proof.path],
                "checkpoint": {"envelope": proof.checkpoint},
            },
            "canonicalizedBody": b64(body),
        }

    def _append(self, body: bytes) -> "Proof":
        self.leaves.append(body)
        index, size, root = len(self.leaves) - 1, len(self.leaves), tree_hash(self.leaves)
        note = f"local - 1\n{size}\n{b64(root)}\n"
        signed = fingerprint(self.log_key)[:4] + self.log_key.sign(note.encode(), _SHA256)
        checkpoint = f"{note}\n— local {b64(signed)}\n"
        return Proof(index, size, root, audit_path(index, self.leaves), checkpoint)

    def trusted_root(self) -> dict[str, Any]:
        always = {"start": "2020-01-01T00:00:00Z"}

        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            return {
                "baseUrl": "http://127.0.0.1:9",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": always,
                },
                "logId": {"keyId": b64(fingerprint(key))},
            }

        def chain(*certificates: x509.Certificate) -> dict[str, Any]:
            listed = [{"rawBytes": b64(one.public_bytes(Encoding.DER))} for one in certificates]
            return {
                "subject": {"organization": "local", "commonName": "local"},
                "uri": "http://127.0.0.1:9",
                "certChain": {"certificates": listed},
                "validFor": always,
            }

        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.log_key)],
            "certificateAuthorities": [chain(self.ca, self.root)],
            "ctlogs": [log(self.ct_key)],
            "timestampAuthorities": [chain(self.clock, self.root)],
        }

    def trust_config(self, url: str, *, rekor: int = 1, stamped: bool = False) -> dict[str, Any]:
        """`rekor`: the version of its API; `stamped`: signatures get signed times."""

        def service(path: str = "", version: int = 1) -> dict[str, Any]:
            return {
                "url": url + path,
                "majorApiVersion": version,
                "validFor": {"start": "2020-01-01T00:00:00Z"},
                "operator": "local",
            }

        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service()],
                "rekorTlogUrls": [service(version=rekor)],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [service("/timestamp")] if stamped else [],
                "tsaConfig": {"selector": "ANY"},
            },
        }


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def tree_hash(leaves: list[bytes]) -> bytes:
    """The hash of a Merkle tree (RFC 6962, 2.1)."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    middle = half(leaves)
    both = tree_hash(leaves[:middle]) + tree_hash(leaves[middle:])
    return hashlib.sha256(b"\1" + both).digest()


def audit_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """What proves that a leaf is in a tree (RFC 6962, 2.1.1)."""
    if len(leaves) == 1:
        return []
    middle = half(leaves)
    if index < middle:
        return [*audit_path(index, leaves[:middle]), tree_hash(leaves[middle:])]
    return [*audit_path(index - middle, leaves[middle:]), tree_hash(leaves[:middle])]


def half(leaves: list[bytes]) -> int:
    """The largest power of two that is smaller than their number."""
    return 1 << (len(leaves) - 1).bit_length() - 1


@contextmanager
def served(instance: Instance) -> Iterator[str]:
    """The address at which the instance answers."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Say nothing."""

        def answer(self, status: int, value: Any) -> None:
            self.send_response(status)
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            asked = self.path.endswith("audience=sigstore")
            allowed = self.headers["Authorization"] == f"bearer {RUNNER_SECRET}"
            if not (asked and allowed) or instance.broken == "/token":
                self.answer(500, {"code": 500, "message": "out of order"})
            else:
                self.answer(200, {"value": instance.token()})

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == instance.broken:
                self.answer(500, {"code": 500, "message": "out of order"})
            elif self.path == "/api/v2/signingCert":
                token = self.headers["Authorization"].removeprefix("Bearer ")
                request = base64.b64decode(json.loads(data)["certificateSigningRequest"])
                chain = (instance.certify(token, request), instance.ca, instance.root)
                listed = {"certificates": [pem(one) for one in chain]}
                self.answer(200, {"signedCertificateEmbeddedSct": {"chain": listed}})
            elif self.path == "/api/v1/log/entries":
                self.answer(201, instance.enter(json.loads(data)))
            elif self.path == "/api/v2/log/entries":
                self.answer(201, instance.enter_v2(json.loads(data)))
            elif self.path == "/timestamp":
                self.answer(201, stamp(data, instance.time_key, instance.clock))
            else:
                self.answer(404, {"code": 404, "message": self.path})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
