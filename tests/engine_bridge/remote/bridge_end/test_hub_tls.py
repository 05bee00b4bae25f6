from __future__ import annotations

import datetime
import ipaddress
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from engine_bridge.errors import InputError
from engine_bridge.remote.bridge_end.hub import EngineHub, TlsFiles
from engine_bridge.remote.engine_end.client import serve
from engine_bridge.remote.wire.messages import Capabilities

if TYPE_CHECKING:
    from conftest import SketchEngine


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_listening_beyond_this_machine_needs_tls(host: str, token: str) -> None:
    with pytest.raises(InputError, match="TLS"):
        EngineHub(token=token, host=host)


def test_a_certificate_that_is_none_is_the_users_mistake(tmp_path: Path, token: str) -> None:
    files = TlsFiles(certificate=tmp_path / "missing.pem", key=tmp_path / "missing.key")
    with pytest.raises(InputError, match="tls"):
        EngineHub(token=token, host="0.0.0.0", tls=files)


def test_an_encrypted_key_is_refused_without_asking_for_its_password(tmp_path: Path, token: str) -> None:
    files = write_certificate(tmp_path, password=b"secret")
    with pytest.raises(InputError, match=r"key.pem is encrypted.*openssl pkey -in key.pem"):
        EngineHub(token=token, tls=files)


def test_an_engine_dials_in_over_tls(
    tmp_path: Path,
    token: str,
    sketch_engine: type[SketchEngine],
    sketch_requests: Callable[..., Any],
) -> None:
    files = write_certificate(tmp_path)
    with EngineHub(token=token, tls=files) as hub:
        assert hub.url.startswith("wss://")
        thread = threading.Thread(
            target=serve,
            args=(sketch_engine(),),
            kwargs={
                "url": hub.url,
                "token": token,
                "instance": "far",
                "characters": ["sketch"],
                "capabilities": Capabilities(stamp=True),
                "authority": files.certificate,
            },
        )
        thread.start()
        assert len(hub.accept("far", timeout_s=5.0).render(sketch_requests(3))) == 3
    thread.join(5.0)
    assert not thread.is_alive()


def write_certificate(folder: Path, password: bytes | None = None) -> TlsFiles:
    """A certificate for 127.0.0.1 that signs itself."""
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "f2p test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(certificate=folder / "certificate.pem", key=folder / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    return files
