"""Phone numbers of Douyin: encrypted with the public key that the app has registered."""

import base64
from dataclasses import dataclass

import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


@dataclass(frozen=True)
class DouyinPhones:
    """Reads numbers with the private key of an app; `url` is the host of the open platform."""

    url: str
    key: RSAPrivateKey

    def read(self, data: str, app_id: str) -> str:
        """The number in an answer. Raises ValueError for what is not encrypted for this app."""
        plain = self.key.decrypt(base64.b64decode(data, validate=True), PKCS1v15())
        info = orjson.loads(plain)
        if info["watermark"]["appid"] != app_id:
            raise ValueError("appid")
        return str(info["phoneNumber"])


def private_key(pem: str) -> RSAPrivateKey:
    """The RSA key in PEM. Raises ValueError for any other text."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except TypeError as error:
        # It has a password.
        raise ValueError("password") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("kind of key")
    return key
