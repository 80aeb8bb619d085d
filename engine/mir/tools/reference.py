"""Makes the reference tables engine/mir/tests/data/*.csv, with mpmath's arbitrary precision.

Run by hand: `pip install mpmath gmpy2`, then `python3 reference.py [points per range]`. One line a point: the
argument or arguments and the correctly rounded result, as the 16 hex digits of the f64, then what the rounded result
lacks of the true one, in 1/1000 of its last place. Points are drawn with a fixed seed; the special ones stand first.
Denormal arguments and results are left out (design: they count as zero).
"""

import math
import random
import struct
import sys
from pathlib import Path

from mpmath import mp, mpf

mp.prec = 260
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 400
OUT = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent.parent / "tests" / "data"
PI = math.pi
NORMAL = 2.0**-1022


def hexed(x):
    return struct.pack(">d", x).hex()


def uniform(lo, hi):
    return lambda: random.uniform(lo, hi)


def log_uniform(lo, hi):
    """Exponent and mantissa uniform, either sign."""

    def draw():
        x = 2.0 ** random.uniform(math.log2(lo), math.log2(hi))
        return x if random.random() < 0.5 else -x

    return draw


def positive(lo, hi):
    draw = log_uniform(lo, hi)
    return lambda: abs(draw())


def near_multiples(unit, top):
    """The floats round multiples of `unit`, where reductions cancel."""

    def draw():
        x = float(unit * random.randrange(-top, top + 1))
        for _ in range(random.randrange(3)):
            x = math.nextafter(x, random.choice([-math.inf, math.inf]))
        return x

    return draw


def one(f, specials, *ranges):
    points = [(x,) for x in specials] + [(draw(),) for draw in ranges for _ in range(COUNT)]
    return f, points


def two(f, specials, *ranges):
    return f, list(specials) + [(a(), b()) for a, b in ranges for _ in range(COUNT)]


def pow_near(top):
    """Bases anywhere, exponents that bring y log2 x anywhere within `top`."""

    def point():
        x = abs(log_uniform(1e-30, 1e30)()) if random.random() < 0.7 else random.uniform(0.9, 1.1)
        return x, random.uniform(-top, top) / math.log2(x)

    return point


def tables():
    angles = [0.5, 1.0, PI / 4, PI / 2, PI, 2 * PI, 1e-5, 1e-300, 2.0**20, -(2.0**20), 3.0, 6.0, 22.0, 355.0]
    wide = [uniform(-PI, PI), uniform(-100, 100), log_uniform(1e-12, 2.0**20), near_multiples(mp.pi / 4, 1 << 20)]
    yield "sin", *one(mp.sin, angles, *wide)
    yield "cos", *one(mp.cos, angles, *wide)
    yield "tan", *one(mp.tan, angles, *wide, log_uniform(2.0**20, 1e15))
    unit = [0.5, -0.5, 1.0, -1.0, 1e-8, 1e-300, math.nextafter(0.5, 1), math.nextafter(1.0, 0)]
    inner = [uniform(-1, 1), uniform(0.45, 0.55), uniform(0.999, 1), log_uniform(1e-12, 1)]
    yield "asin", *one(mp.asin, unit, *inner)
    yield "acos", *one(mp.acos, unit, *inner, uniform(-1, -0.999))
    yield "atan", *one(mp.atan, unit + [1e300], uniform(-3, 3), uniform(0.4, 0.43), log_uniform(1e-12, 1e12))
    yield "sinh", *one(mp.sinh, unit, uniform(-3, 3), log_uniform(1e-12, 1), uniform(-709, 709))
    yield "cosh", *one(mp.cosh, unit, uniform(-3, 3), uniform(-709, 709))
    yield "tanh", *one(mp.tanh, unit, uniform(-1, 1), uniform(-3, 3), uniform(-25, 25), log_uniform(1e-12, 1))
    yield "exp", *one(mp.exp, unit, uniform(-1, 1), uniform(-20, 20), uniform(-708, 709))
    yield "exp2", *one(lambda x: mpf(2) ** x, unit, uniform(-1, 1), uniform(-20, 20), uniform(-1021, 1023))
    logs = [2.0, 0.5, 10.0, NORMAL, 1.7e308, math.nextafter(1, 0), math.nextafter(1, 2), math.sqrt(0.5), math.sqrt(2)]
    ranges = [uniform(0.5, 2), uniform(0.99, 1.01), positive(1e-300, 1e300)]
    yield "log", *one(mp.log, logs, *ranges)
    yield "log2", *one(lambda x: mp.log(x, 2), logs, *ranges)
    centre = [(y, x) for y in (1.0, -1.0, 1e-5, 3.0) for x in (1.0, -1.0, 1e5, -2.0)]
    plane = uniform(-2, 2), uniform(-2, 2)
    far = log_uniform(1e-20, 1e20), log_uniform(1e-20, 1e20)
    yield "atan2", *two(mp.atan2, centre, plane, far)
    near, rest = pow_near(64), pow_near(1020)
    powers = [(x, y) for x in (2.0, 10.0, 0.5, 1.5, math.e) for y in (0.5, -1.0, 1 / 12, 3.0, 10.0)]
    random_powers = [near() for _ in range(3 * COUNT)] + [rest() for _ in range(COUNT)]
    yield "pow", mp.power, powers + random_powers


def line(f, args):
    true = f(*[mpf(a) for a in args])
    got = float(true)
    if not (NORMAL <= abs(got) < math.inf) or any(abs(a) < NORMAL for a in args):
        return None
    rest = (true - mpf(got)) / mpf(math.ulp(got)) * 1000
    return ",".join([*map(hexed, args), hexed(got), str(int(mp.nint(rest)))])


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    random.seed("attacca")
    for name, f, points in tables():
        lines = [text for p in points if (text := line(f, p))]
        (OUT / f"{name}.csv").write_text("\n".join(lines) + "\n")
        print(name, len(lines), flush=True)


main()
