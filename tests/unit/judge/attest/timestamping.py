"""Signed times (RFC 3161), by the OpenSSL of this machine."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_SETTINGS = """
[tsa]
default_tsa = local
[local]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
"""


def stamp(query: bytes, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    """The answer to a query: that what it names was there now."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "settings").write_text(_SETTINGS)
        (folder / "query").write_bytes(query)
        (folder / "key").write_bytes(pem)
        (folder / "certificate").write_bytes(certificate.public_bytes(Encoding.PEM))
        command = "openssl ts -reply -config settings -queryfile query -inkey key"
        command += " -signer certificate -out answer"
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
        return (folder / "answer").read_bytes()
