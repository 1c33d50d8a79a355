"""`expf` and `logf` of FreeBSD's mathematical library, operation by operation in float32.

Both take and return float32 arrays.
Every intermediate is rounded to float32, and no multiplication is fused with an addition.
"""

import numpy as np

F = np.float32
HALF, ONE, TWO = F(0.5), F(1), F(2)


def from_bits(bits):
    return np.uint32(bits).view(F)


LN2_HI, LN2_LO = from_bits(0x3F317200), from_bits(0x35BFBE8E)
INV_LN2 = from_bits(0x3FB8AA3B)
P1, P2 = F(1.6666625440e-1), F(-2.7667332906e-3)

# The logarithm splits ln 2 in another place.
LOG_LN2_HI, LOG_LN2_LO = from_bits(0x3F317180), from_bits(0x3717F7D1)
LG1, LG2, LG3, LG4 = F(0.66666662693), F(0.40000972152), F(0.28498786688), F(0.24279078841)
SQRT_HALF = 0x3F3504F3


def expf(x):
    """e to the power x; no argument is NaN."""
    x = np.asarray(x, F)
    magnitude = x.view(np.uint32) & 0x7FFFFFFF
    negative = x < 0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        nearest = np.trunc(INV_LN2 * x + np.where(negative, -HALF, HALF)).astype(F)
        k = np.where(magnitude > 0x3F851592, nearest, np.where(negative, -ONE, ONE)).astype(F)
        k = np.where(magnitude > 0x3EB17218, k, F(0)).astype(F)
        k = np.clip(k, F(-200), F(200))
        hi = x - k * LN2_HI
        lo = k * LN2_LO
        r = hi - lo
        square = r * r
        c = r - square * (P1 + square * P2)
        y = ONE + (r * c / (TWO - c) - lo + hi)
        y = np.ldexp(y, k.astype(np.int32))
        y = np.where(magnitude > 0x39000000, y, ONE + x)
        y = np.where(negative & (magnitude >= 0x42CFF1B5), F(0), y)
        y = np.where(~negative & (magnitude >= 0x42B17218), F(np.inf), y)
    return y.astype(F)


def logf(x):
    """Natural logarithm of normal positive numbers."""
    x = np.asarray(x, F)
    bits = x.view(np.uint32).astype(np.int64) + (0x3F800000 - SQRT_HALF)
    k = ((bits >> 23) - 0x7F).astype(F)
    mantissa = ((bits & 0x007FFFFF) + SQRT_HALF).astype(np.uint32).view(F)
    f = mantissa - ONE
    s = f / (TWO + f)
    z = s * s
    w = z * z
    t1 = w * (LG2 + w * LG4)
    t2 = z * (LG1 + w * LG3)
    r = t2 + t1
    hfsq = HALF * f * f
    return (s * (hfsq + r) + k * LOG_LN2_LO - hfsq + f + k * LOG_LN2_HI).astype(F)
