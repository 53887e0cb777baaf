"""What looks like personal data, and what does not."""

from __future__ import annotations

import pytest

from replay.dataset.flags import personal_data


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Author: Ada <ada@lovelace.name>", ["email"]),
        ("mail a.b+c@sub.mail.co.uk, then d_e@x.io", ["email", "email"]),
        ("root@localhost user@example.com x@host.test git@github.com:a/b.git noreply@github.com", []),
        ("@dataclass\ndef a@b", []),
        ("call +49 (30) 1234567 or +442071838750", ["telephone", "telephone"]),
        ("2+2=4 +1 +12345 v1+20240101", []),
        ("DE89 3704 0044 0532 0130 00 and GB82WEST12345698765432", ["IBAN", "IBAN"]),
        ("DE89 3704 0044 0532 0130 01 SHA256 ABCD1234EFGH5678", []),
        ("4111 1111 1111 1111, 5500-0000-0000-0004, 4111111111111111", ["card", "card", "card"]),
        ("4111 1111 1111 1112 0000000000000000 1700000000000000 v4111111111111111", []),
        ("ü" * 50 + " zoë@bücher.example", []),
    ],
)  # fmt: skip
def test_personal_data(text: str, kinds: list[str]) -> None:
    assert list(personal_data(text)) == kinds
