"""Makes the minimax coefficients of engine/mir/src/math/*.rs.

Run by hand (`pip install mpmath`, then `python3 coefficients.py`); prints each table with the error of the
polynomial itself, the rounding of its coefficients included and that of its evaluation not. The tables in the Rust
files are this program's output, pasted. Nothing at build time depends on it.

Method: Remez exchange on a weighted error, in 60 digits. Coefficients are rounded to f64 one by one from the lowest
power up, and the rest fitted again after each rounding, so that a rounded leading coefficient is made up for by the
next ones (not on intervals across 0).
"""

from mpmath import mp, mpf

mp.dps = 60
GRID = 600


def solve_exchange(f, w, lo, powers, points):
    """Coefficients of `powers`, and the levelled error, on the current reference points."""
    n = len(powers)
    a = mp.matrix(n + 1, n + 1)
    b = mp.matrix(n + 1, 1)
    for i, x in enumerate(points):
        for j, p in enumerate(powers):
            a[i, j] = w(x) * x**p
        a[i, n] = (-1) ** i
        b[i] = w(x) * f(x)
    s = mp.lu_solve(a, b)
    return [s[j] for j in range(n)]


def extrema(err, lo, hi, count):
    """`count` alternating extrema of `err`, from a Chebyshev-spaced grid."""
    xs = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * i / GRID) for i in range(GRID + 1)]
    es = [err(x) for x in xs]
    runs = []
    for x, e in zip(xs, es):
        if e == 0:
            continue
        if runs and (runs[-1][1] > 0) == (e > 0):
            if abs(e) > abs(runs[-1][1]):
                runs[-1] = (x, e)
        else:
            runs.append((x, e))
    while len(runs) > count:
        runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
    return [r[0] for r in runs]


def remez(f, w, lo, hi, powers):
    n = len(powers)
    points = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n + 2)) for i in range(n + 1)]
    for _ in range(6):
        c = solve_exchange(f, w, lo, powers, points)
        err = lambda x: w(x) * (f(x) - sum(k * x**p for k, p in zip(c, powers)))
        new = extrema(err, lo, hi, n + 1)
        if len(new) < n + 1:
            break
        points = new
    return c


def fit(name, note, f, w, lo, hi, count):
    lo, hi = mpf(lo), mpf(hi)
    # `f` loses digits or divides by zero at 0; start a hair above it.
    if lo == 0:
        lo = hi * mpf(10) ** -12
    # Across 0 the higher powers alone are no Chebyshev system; there all are rounded at once.
    fixed = [mpf(float(c)) for c in remez(f, w, lo, hi, list(range(count)))] if lo < 0 else []
    for k in range(len(fixed), count):
        rest = list(range(k, count))
        g = lambda x: f(x) - sum(c * x**i for i, c in enumerate(fixed))
        fixed.append(mpf(float(remez(g, w, lo, hi, rest)[0])))
    err = max(
        abs(w(x) * (f(x) - sum(c * x**i for i, c in enumerate(fixed))))
        for x in [lo + (hi - lo) * mpf(i) / 2000 for i in range(2001)]
    )
    print(f"// {note}\n// error {mp.nstr(err, 3)} = 2^{mp.nstr(mp.log(err, 2), 4)}")
    print(f"const {name}: [f64; {count}] = [")
    for c in fixed:
        print(f"    {float(c)!r},")
    print("];\n", flush=True)


def taylor(series, terms=60):
    """A power series as a function: exact near 0, where the closed forms cancel."""
    cs = [series(k) for k in range(terms)]

    def value(x):
        s = mpf(0)
        for c in reversed(cs):
            s = s * x + c
        return s

    return value


def parts(name, value, bits):
    """Splits `value` into f64s of the given bit counts, the last with all 53."""
    rest = mpf(value)
    for i, b in enumerate(bits):
        e = int(mp.floor(mp.log(abs(rest), 2))) + 1
        scale = mpf(2) ** (b - e)
        p = mp.nint(rest * scale) / scale
        rest -= p
        print(f"const {name}_{i + 1}: f64 = {float(p)!r}; // {b} bits; rest {mp.nstr(rest, 3)}")
        assert mpf(float(p)) == p


def main():
    fact = mp.factorial
    parts("PI", mp.pi, [33, 53])
    parts("HALF_PI", mp.pi / 2, [33, 53])
    parts("LN2", mp.log(2), [32, 53])
    parts("LN2_SHORT", mp.log(2), [26, 53])
    parts("TWO_OVER_3_LN2", 2 / (3 * mp.log(2)), [26, 53])
    print(f"const INV_PI: f64 = {float(1 / mp.pi)!r};")
    print(f"const TWO_OVER_PI: f64 = {float(2 / mp.pi)!r};")
    print(f"const INV_LN2: f64 = {float(1 / mp.log(2))!r};\n")

    # sin r = r + r z P(z), z = r^2
    s = taylor(lambda k: mpf(-1) ** (k + 1) / fact(2 * k + 3))
    half_pi = mp.pi / 2 * (1 + mpf(2) ** -20)
    fit("SIN", "sin r = r + r z P(z), |r| <= pi/2, absolute", s, lambda z: z * mp.sqrt(z), 0, half_pi**2, 8)
    fit("SIN_SHORT", "sin r = r + r z P(z), |r| <= pi/4, relative", s, lambda z: z, 0, (half_pi / 2) ** 2, 6)
    # cos r = 1 - z/2 + z^2 P(z)
    c = taylor(lambda k: mpf(-1) ** k / fact(2 * k + 4))
    fit("COS_SHORT", "cos r = 1 - z/2 + z^2 P(z), |r| <= pi/4, absolute", c, lambda z: z * z, 0, (half_pi / 2) ** 2, 6)

    # e^r = 1 + r + r^2 P(r)
    h = mp.log(2) / 2 * (1 + mpf(2) ** -20)
    e = taylor(lambda k: 1 / fact(k + 2))
    fit("EXP", "e^r = 1 + r + r^2 P(r), |r| <= ln2/2, of P", e, lambda r: mpf(1), -h, h, 10)
    # 2^r = 1 + r P(r)
    e2 = taylor(lambda k: mp.log(2) ** (k + 1) / fact(k + 1))
    fit("EXP2", "2^r = 1 + r P(r), |r| <= 1/2, of P", e2, lambda r: mpf(1), mpf(-1) / 2, mpf(1) / 2, 11)

    # log m = s (2 + z P(z)), s = (m - 1)/(m + 1), z = s^2
    zmax = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * (1 + mpf(2) ** -20)
    at = taylor(lambda k: mpf(2) / (2 * k + 3))
    fit("LOG", "log m = s (2 + z P(z)), m in [sqrt(1/2), sqrt(2)], relative", at, lambda z: z / 2, 0, zmax, 7)
    # log m = 2/3 s (3 + z + z^2 P(z))
    at5 = taylor(lambda k: mpf(3) / (2 * k + 5))
    fit("LOG_LONG", "log m = 2/3 s (3 + z + z^2 P(z)), relative", at5, lambda z: z * z / 3, 0, zmax, 8)

    # asin s = s + s z P(z)
    asin = taylor(lambda k: fact(2 * k + 2) / (4 ** (k + 1) * fact(k + 1) ** 2 * (2 * k + 3)), 120)
    fit("ASIN", "asin s = s + s z P(z), s <= 1/2, relative", asin, lambda z: z, 0, mpf(1) / 4, 12)
    # atan t = t + t z P(z)
    atan = taylor(lambda k: mpf(-1) ** (k + 1) / (2 * k + 3), 120)
    tmax = (mp.sqrt(2) - 1) * (1 + mpf(2) ** -20)
    fit("ATAN", "atan t = t + t z P(z), |t| <= tan(pi/8), relative", atan, lambda z: z, 0, tmax**2, 11)


main()
