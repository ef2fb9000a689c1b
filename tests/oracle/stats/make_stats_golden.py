"""Makes tests/golden/stats/reference.json: what scipy and statsmodels say, for core/eval/stats to be compared with.

  $PLUMBLINE_ORACLE_PYTHON tests/oracle/stats/make_stats_golden.py tests/golden/stats/reference.json

Where neither library has a method (Tango's interval) the reference is computed from its definition by another
road than ours: the constrained likelihood is maximised numerically and the interval found by a root finder.
"""

import json
import math
import sys
import warnings

import numpy as np
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest
from statsmodels.stats.weightstats import ttost_paired

warnings.simplefilter("ignore")
rng = np.random.default_rng(20260322)


def wilson():
    rows = []
    for n in (1, 2, 10, 50, 150, 541, 5000):
        for k in sorted({0, 1, n // 7, n // 3, n // 2, n - 1, n}):
            for confidence in (0.9, 0.95, 0.99):
                lo, hi = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
                rows.append([k, n, confidence, float(lo), float(hi)])
    return rows


def share_below():
    rows = []
    for n in (20, 150, 541):
        for k in (1, n // 4, n // 2, n - 1):
            for limit in (0.05, 0.2, 0.5, 0.8):
                _, p = proportions_ztest(k, n, limit, alternative="smaller", prop_var=limit)
                rows.append([k, n, limit, float(p)])
    return rows


def mcnemar_rows():
    rows = []
    for b, c in [(0, 0), (0, 1), (1, 0), (3, 3), (0, 6), (2, 11), (30, 60), (25, 24), (7, 0), (120, 90), (400, 330), (57, 115)]:
        two = mcnemar([[10, b], [c, 10]], exact=True).pvalue if b + c else 1.0
        n = b + c
        greater = stats.binomtest(b, n, 0.5, alternative="greater").pvalue if n else 1.0
        less = stats.binomtest(b, n, 0.5, alternative="less").pvalue if n else 1.0
        # Fagerland, Lydersen and Laake (2013): mid-p is the exact p less the probability of the observed point.
        mid = 1.0
        if n:
            tail = stats.binom.cdf(min(b, c), n, 0.5) - 0.5 * stats.binom.pmf(min(b, c), n, 0.5)
            mid = min(1.0, 2 * tail)
        rows.append([b, c, float(two), float(greater), float(less), float(mid)])
    return rows


def tango_z(n, b, c, delta):
    """Score statistic; the nuisance (probability of a loss) by numerical maximum likelihood."""

    def minus_log_likelihood(q):
        terms = [(b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta)]
        total = 0.0
        for count, probability in terms:
            if count:
                if probability <= 0:
                    return 1e300
                total -= count * math.log(probability)
        return total

    lo, hi = max(0.0, -delta), (1 - delta) / 2
    grid = np.linspace(lo, hi, 400)
    best = grid[int(np.argmin([minus_log_likelihood(q) for q in grid]))]
    width = (hi - lo) / 399
    q = optimize.minimize_scalar(minus_log_likelihood, bounds=(max(lo, best - width), min(hi, best + width)),
                                 method="bounded", options={"xatol": 1e-14}).x
    return (b - c - n * delta) / math.sqrt(n * (2 * q + delta - delta * delta))


def tango():
    rows = []
    for n, b, c in [(50, 0, 0), (50, 1, 0), (50, 5, 5), (150, 20, 31), (541, 30, 60), (541, 3, 1), (541, 58, 58), (100, 80, 2),
                    (541, 57, 115), (1319, 672, 14), (30, 12, 1)]:
        for confidence in (0.9, 0.95):
            z = stats.norm.ppf(1 - (1 - confidence) / 2)
            d = (b - c) / n
            lo = optimize.brentq(lambda x: tango_z(n, b, c, x) - z, -1 + 1e-9, d - 1e-9 if b + c else d - 1e-12, xtol=1e-12)
            hi = optimize.brentq(lambda x: tango_z(n, b, c, x) + z, d + 1e-9 if b + c else d + 1e-12, 1 - 1e-9, xtol=1e-12)
            rows.append([n, b, c, confidence, lo, hi])
    return rows


def holm():
    rows = []
    for size in (1, 2, 3, 8, 15):
        for _ in range(4):
            p = np.round(rng.uniform(size=size) ** 3, 6)
            rows.append([p.tolist(), multipletests(p, method="holm")[1].tolist()])
    return rows


def sign_flip():
    rows = []
    for size in (2, 3, 5, 8, 10, 12):
        for _ in range(5):
            d = rng.integers(-3, 4, size=size)
            p = []
            for alternative in ("two-sided", "greater", "less"):
                p.append(float(stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf,
                                                      alternative=alternative).pvalue) if np.any(d) else 1.0)
            rows.append([d.tolist(), *p])
    return rows


def clustered_standard_error():
    """The ratio's sandwich variance is OLS on a constant over trials, cluster-robust."""
    rows = []
    for m in (2, 5, 40, 150):
        for _ in range(3):
            trials = rng.integers(1, 4, size=m)
            mood = rng.uniform(size=m)
            outcomes = [(rng.uniform(size=t) < q).astype(float) for t, q in zip(trials, mood)]
            y = np.concatenate(outcomes)
            groups = np.repeat(np.arange(m), trials)
            fit = sm.OLS(y, np.ones_like(y)).fit(cov_type="cluster", cov_kwds={"groups": groups})
            rows.append([[int(o.sum()) for o in outcomes], trials.tolist(), float(fit.params[0]), float(fit.bse[0])])
    return rows


def bootstrap():
    """Percentile and BCa of scipy on the same data, with enough resamples that only noise is left."""
    rows = []
    for m, q in ((40, 0.3), (150, 0.7), (300, 0.1)):
        trials = rng.integers(1, 4, size=m)
        successes = rng.binomial(trials, rng.beta(2 * q, 2 * (1 - q), size=m))

        def ratio(s, t, axis=-1):
            return np.sum(s, axis=axis) / np.sum(t, axis=axis)

        limits = []
        for method in ("percentile", "BCa"):
            ci = stats.bootstrap((successes, trials), ratio, paired=True, vectorized=True, n_resamples=100_000, batch=2000,
                                 method=method, rng=np.random.default_rng(7)).confidence_interval
            limits += [float(ci.low), float(ci.high)]
        rows.append([successes.tolist(), trials.tolist(), *limits])
    return rows


def mix(z):
    m = 2**64 - 1
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & m
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & m
    return z ^ (z >> 31)


def bootstrap_replicates():
    """The resampling of core/eval/stats/cluster.cc, draw by draw: the replicates are equal to the last bit."""
    rows = []
    for m, seed in ((1, 5), (40, 1), (101, 20260322)):
        trials = rng.integers(1, 4, size=m).tolist()
        successes = [int(rng.integers(-t, t + 1)) for t in trials]
        state, replicates = (seed + mix(0)) % 2**64, []
        for _ in range(5):
            k = n = 0
            for i in range(0, m, 2):
                state = (state + 0x9E3779B97F4A7C15) % 2**64
                bits = mix(state)
                draws = [bits >> 32, bits & 0xFFFFFFFF] if i + 1 < m else [bits >> 32]
                for draw in draws:
                    k += successes[draw * m >> 32]
                    n += trials[draw * m >> 32]
            replicates.append(k / n)
        rows.append([successes, trials, seed, replicates])
    return rows


def tost():
    """With one trial a prompt our t test is the paired t test."""
    rows = []
    for m in (20, 150):
        for margin in (0.02, 0.05, 0.1):
            base = rng.uniform(size=m).round(3)
            subject = (base + rng.normal(0.01, 0.1, size=m)).clip(0, 1).round(3)
            _, low, high = ttost_paired(subject, base, -margin, margin)
            d = subject - base
            rows.append([d.round(6).tolist(), margin, float(low[1]), float(high[1])])
    return rows


def mcnemar_power():
    rows = []
    for n, gain, loss, alpha in [(50, 0.2, 0.05, 0.05), (150, 0.1, 0.05, 0.05), (150, 0.075, 0.075, 0.05), (541, 0.09, 0.06, 0.05),
                                 (541, 0.05, 0.05, 0.01), (20, 0.7, 0.3, 0.05), (300, 0.02, 0.0, 0.05)]:
        power = 0.0
        for m in range(1, n + 1):
            weight = stats.binom.pmf(m, n, gain + loss)
            if weight < 1e-16:
                continue
            b = np.arange(m + 1)
            p = np.minimum(1, 2 * stats.binom.cdf(np.minimum(b, m - b), m, 0.5))
            power += weight * stats.binom.pmf(b, m, gain / (gain + loss))[p <= alpha].sum()
        rows.append([n, gain, loss, alpha, float(power)])
    return rows


def pass_at_k():
    return [[n, c, k, 1 - math.comb(n - c, k) / math.comb(n, k)]
            for n in (1, 2, 5, 10, 100) for c in sorted({0, 1, n // 2, n}) for k in sorted({1, min(3, n), n})]


def main():
    golden = {
        "made_with": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
        "wilson": wilson(),
        "share_below": share_below(),
        "mcnemar": mcnemar_rows(),
        "tango": tango(),
        "holm": holm(),
        "sign_flip": sign_flip(),
        "clustered_standard_error": clustered_standard_error(),
        "bootstrap": bootstrap(),
        "tost": tost(),
        "bootstrap_replicates": bootstrap_replicates(),
        "mcnemar_power": mcnemar_power(),
        "pass_at_k": pass_at_k(),
    }
    with open(sys.argv[1], "w") as f:
        f.write("{\n" + ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in golden.items()) + "\n}\n")
    print({k: len(v) for k, v in golden.items() if k != "made_with"})


if __name__ == "__main__":
    main()
