"""Ed25519 verification exactly as ZIP-215 rules, in integers. Verification only: there are no
secrets here to leak.

A signature (R, s) by key A over M is valid when s < L and 8(sB - R - kA) = 0 with k = SHA-512(R | A
| M) over the bytes as given. A and R may be encoded non-canonically, and may have small order. A
random-coefficient batch can enforce only this cofactored equation, so under it batch and single
verdicts are one. Sources: ZIP 215, https://zips.z.cash/zip-0215; RFC 8032 §5.1 (curve and
constants).
"""

from hashlib import sha512
from typing import TypeAlias

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
_SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)

Point: TypeAlias = tuple[int, int, int, int]
"""Extended homogeneous coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z (RFC 8032 §5.1.4)."""

IDENTITY: Point = (0, 1, 1, 0)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ZIP-215 accepts. Wrong lengths are False."""
    if len(key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    a, r = decode_point(key), decode_point(signature[:32])
    if s >= L or a is None or r is None:
        return False
    k = int.from_bytes(sha512(signature[:32] + key + message).digest(), "little") % L
    difference = add(multiply(s, BASE), negate(add(r, multiply(k, a))))
    return is_identity(multiply(8, difference))


def decode_point(data: bytes) -> Point | None:
    """The point that 32 bytes encode; y may be p or more, and x = 0 may carry the sign bit
    (ZIP-215)."""
    encoded = int.from_bytes(data, "little")
    sign, y = encoded >> 255, (encoded & (2**255 - 1)) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * _SQRT_MINUS_1 % P
    if v * x * x % P != u:
        return None
    if x % 2 != sign:
        x = -x % P
    return x, y, 1, x * y % P


def encode_point(point: Point) -> bytes:
    """The canonical 32 bytes of a point."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def add(a: Point, b: Point) -> Point:
    """The complete addition law, which also doubles (RFC 8032 §5.1.4)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    c, d = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    e, f = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    g, h, i, j = d - c, f - e, f + e, d + c
    return g * h % P, i * j % P, h * i % P, g * j % P


def negate(a: Point) -> Point:
    """The point of opposite x."""
    return -a[0] % P, a[1], a[2], -a[3] % P


def multiply(scalar: int, point: Point) -> Point:
    """scalar times point, by doubling and adding; the time depends on the scalar, which is
    public."""
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def is_identity(a: Point) -> bool:
    """Whether it is the neutral element."""
    return a[0] % P == 0 and (a[1] - a[2]) % P == 0


def _base() -> Point:
    point = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    if point is None:
        raise ArithmeticError("the base point is on the curve")
    return point


BASE = _base()
