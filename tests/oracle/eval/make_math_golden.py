#!/usr/bin/env python3
"""Pairs of answers in LaTeX, whether they are the same mathematics (known from how they were made), and what lm-eval's
minerva_math says of them: normalize_final_answer of both, then is_equiv (sympy's parse_latex and simplify). And what its
hendrycks_math says (is_equiv on texts), which our math_reference repeats.

  make_math_golden.py --out tests/golden/math/equivalence.json [--pairs 60] [--seed 1]

Needs what lm-eval's extra "math" needs, in an environment of its own beside the oracle's packages:
  python -m venv V; V/bin/pip install sympy==1.12 antlr4-python3-runtime==4.11.1 math_verify
  PYTHONPATH=<oracle>/lib/python3.11/site-packages behind V's own (this script appends $PLUMBLINE_ORACLE_SITE)
"""
import argparse
import json
import os
import random
import signal
import sys

sys.path.append(os.environ.get("PLUMBLINE_ORACLE_SITE", os.path.expanduser("~/.cache/plumbline/oracle/lib/python3.11/site-packages")))
import sympy as sp  # noqa: E402
from lm_eval.tasks.hendrycks_math import utils as hendrycks  # noqa: E402
from lm_eval.tasks.minerva_math import utils as minerva  # noqa: E402

x, y = sp.symbols("x y")


class Patient(minerva.timeout):
    """lm-eval gives up after 5 s, which on a busy machine is a matter of luck."""

    def __init__(self, seconds=1, error_message="Timeout"):
        super().__init__(60, error_message)


minerva.timeout = Patient


def nonzero(rnd, n):
    return rnd.choice([i for i in range(-n, n + 1) if i])


def fraction(rnd):
    a, b, k = rnd.randint(1, 40), rnd.randint(2, 30), rnd.randint(2, 6)
    wrong = int(rnd.random() < 0.5)
    sign = rnd.choice(["", "-"])
    form = rnd.choice(["{s}\\frac{{{a}}}{{{b}}}", "{s}\\dfrac{{{a}}}{{{b}}}", "{s}{a}/{b}", "\\frac{{{s}{a}}}{{{b}}}"])
    return f"{sign}\\frac{{{a * k}}}{{{b * k}}}", form.format(s=sign, a=a + wrong, b=b), not wrong


def decimal(rnd):
    b = rnd.choice([2, 4, 5, 8, 10, 20, 25])
    a = rnd.randint(1, 99)
    wrong = int(rnd.random() < 0.4)
    return f"{(a / b):.6f}".rstrip("0").rstrip("."), f"\\frac{{{a + wrong}}}{{{b}}}", not wrong


def root(rnd):
    a, k, m = rnd.choice([2, 3, 5, 6, 7, 10, 11]), rnd.randint(2, 9), rnd.randint(1, 6)
    wrong = int(rnd.random() < 0.5)
    left, right = rnd.choice([(f"{m}\\sqrt{{{a * k * k}}}", f"{m * k + wrong}\\sqrt{{{a}}}"), (f"\\frac{{{m * a}}}{{\\sqrt{{{a}}}}}", f"{m + wrong}\\sqrt{{{a}}}"),
                              (f"\\frac{{{m}}}{{\\sqrt{{{a}}}+1}}", f"\\frac{{{m}(\\sqrt{{{a}}}-1)}}{{{a - 1 + wrong}}}"), (f"(1+\\sqrt{{{a}}})^2", f"{1 + a + wrong}+2\\sqrt{{{a}}}"),
                              (f"\\sqrt[3]{{{a * k ** 3}}}", f"{k + wrong}\\sqrt[3]{{{a}}}")])
    return left, right, not wrong


def polynomial(rnd):
    factors = [nonzero(rnd, 4) * x + nonzero(rnd, 6) * rnd.choice([1, y]) for _ in range(rnd.randint(2, 3))]
    product = sp.Mul(*factors, evaluate=False)
    expanded = sp.expand(product)
    wrong = int(rnd.random() < 0.5)
    if wrong:
        expanded += nonzero(rnd, 3) * rnd.choice([x, 1, x * y, x ** 2])
    terms = [sp.latex(t) for t in sp.Add.make_args(expanded)]
    rnd.shuffle(terms)
    return "".join(f"({sp.latex(f)})" for f in factors), "+".join(terms).replace("+-", "-").replace("+ -", "-"), not wrong


def rational(rnd):
    a, b = nonzero(rnd, 5), nonzero(rnd, 5)
    top = sp.expand((x + a) * (x + b))
    wrong = int(rnd.random() < 0.5)
    left, right = rnd.choice([(f"\\frac{{{sp.latex(top)}}}{{{sp.latex(x + a)}}}", sp.latex(x + b + wrong)),
                              (f"\\frac{{1}}{{{sp.latex(x + a)}}}+\\frac{{1}}{{{sp.latex(x + b)}}}", f"\\frac{{{sp.latex(2 * x + a + b + wrong)}}}{{{sp.latex(top)}}}"),
                              (f"\\frac{{x}}{{{sp.latex(x + a)}}}", f"{1 + wrong}-\\frac{{{a}}}{{{sp.latex(x + a)}}}")])
    return left, right, not wrong


def constant(rnd):
    n = rnd.randint(2, 12)
    wrong = int(rnd.random() < 0.5)
    left, right = rnd.choice([(f"{2 * n}\\pi", f"\\pi\\cdot {2 * n + wrong}"), (f"\\frac{{{n}\\pi}}{{{2 * n}}}", f"\\frac{{\\pi}}{{{2 + wrong}}}"), ("\\sin(\\frac{\\pi}{6})", f"\\frac{{1}}{{{2 + wrong}}}"),
                              (f"\\cos({2 * n}\\pi)", str(1 + wrong)), (f"\\log_{{{n}}}({n ** 3})", str(3 + wrong)), (f"\\ln({n * n})", f"{2 + wrong}\\ln({n})"), (f"2^{{{n}}}", str(2 ** n + wrong)),
                              (f"{n}!", "")][:7])
    return left, right, not wrong


def powers(rnd):
    a, b = rnd.randint(2, 5), rnd.randint(2, 5)
    wrong = int(rnd.random() < 0.5)
    left, right = rnd.choice([(f"x^{{{a}}}\\cdot x^{{{b}}}", f"x^{{{a + b + wrong}}}"), (f"(x^{{{a}}})^{{{b}}}", f"x^{{{a * b + wrong}}}"), (f"\\frac{{1}}{{x^{{{a}}}}}", f"x^{{-{a + wrong}}}"),
                              ("\\sqrt{x^2}", "x" if wrong else "\\sqrt{x\\cdot x}")])
    return left, right, not wrong


def spelled(rnd):
    n = rnd.randint(2, 2000)
    wrong = int(rnd.random() < 0.4)
    left, right = rnd.choice([(f"{n}\\text{{ cm}}", str(n + wrong)), (f"\\${n}", str(n + wrong)), (f"{n}^\\circ", str(n + wrong)), (f"x={n}", str(n + wrong)), (f"{n}.0", str(n + wrong)),
                              (f"{n} \\text{{ square units}}", str(n + wrong)), (f"\\left({n}\\right)", str(n + wrong)), (f"{n + 1000:,}".replace(",", "{,}"), str(n + 1000 + wrong))])
    return left, right, not wrong


def percent(rnd):
    n = rnd.randint(1, 99)
    wrong = int(rnd.random() < 0.4)
    return f"{n}\\%", str(n + wrong), not wrong


def interval(rnd):
    a, b = rnd.randint(-9, 0), rnd.randint(1, 9)
    opening, closing = rnd.choice("(["), rnd.choice(")]")
    wrong = int(rnd.random() < 0.5)
    other = {")": "]", "]": ")"}[closing] if wrong else closing
    return f"{opening}{a},\\frac{{{b}}}{{2}}{closing}", f"\\left{opening}{a}, {b / 2}\\right{other}", not wrong


def tuple_(rnd):
    values = rnd.sample(range(-9, 20), 3)
    order = values[:]
    if rnd.random() < 0.5:
        order = order[1:] + order[:1]
    return "(" + ",".join(map(str, values)) + ")", "(" + ", ".join(map(str, order)) + ")", values == order


def set_(rnd):
    values = rnd.sample(range(-9, 20), rnd.randint(2, 4))
    order = values[:]
    rnd.shuffle(order)
    wrong = int(rnd.random() < 0.4)
    if wrong:
        order[0] += 31
    braces = rnd.choice([("", ""), ("\\{", "\\}")])
    return braces[0] + ",".join(map(str, values)) + braces[1], braces[0] + ", ".join(map(str, order)) + braces[1], not wrong


def matrix(rnd):
    cells = [rnd.randint(-5, 9) for _ in range(4)]
    wrong = int(rnd.random() < 0.4)
    other = cells[:]
    other[rnd.randrange(4)] += wrong
    return (f"\\begin{{pmatrix}} {cells[0]} & {cells[1]} \\\\ {cells[2]} & {cells[3]} \\end{{pmatrix}}",
            f"\\begin{{pmatrix}}{other[0]}&{other[1]}\\\\{other[2]}&{other[3]}\\end{{pmatrix}}", not wrong)


def mixed(rnd):
    n, b = rnd.randint(1, 9), rnd.randint(2, 9)
    a = rnd.randint(1, b - 1)
    wrong = int(rnd.random() < 0.4)
    return f"{n}\\frac{{{a}}}{{{b}}}", f"\\frac{{{n * b + a + wrong}}}{{{b}}}", not wrong


def factorial(rnd):
    n, k = rnd.randint(1, 12), rnd.randint(1, 6)
    wrong = int(rnd.random() < 0.5)
    left, right = rnd.choice([(f"{n}!", str(sp.factorial(n) + wrong)), (f"\\frac{{{n + k}!}}{{{n}!}}", str(sp.ff(n + k, k) + wrong)), (f"{n}!\\pi", f"{sp.factorial(n) + wrong}\\pi"),
                              (f"{n}\\cdot {n}!", f"{n + 1 + wrong}!-{n}!"), (f"-{n}!x", f"-x\\cdot {sp.factorial(n) + wrong}")])
    return left, right, not wrong


def binomial(rnd):
    n, k = rnd.randint(2, 14), rnd.randint(1, 14)
    wrong = int(rnd.random() < 0.5)
    left, right = rnd.choice([(f"\\binom{{{n}}}{{{k}}}", str(sp.binomial(n, k) + wrong)), (f"\\binom{{{n + k}}}{{{k}}}", f"\\binom{{{n + k}}}{{{n}}}+{wrong}" if wrong else f"\\binom{{{n + k}}}{{{n}}}"),
                              (f"\\binom{{{n}}}{{{k}}}+\\binom{{{n}}}{{{k - 1}}}", f"\\binom{{{n + 1}}}{{{k}}}" + "+1" * wrong), (f"\\frac{{\\binom{{{n}}}{{2}}}}{{{n}}}", f"\\frac{{{n - 1 + wrong}}}{{2}}")])
    return left, right, not wrong


def rounded(rnd):
    a, b = rnd.randint(-60, 60), rnd.randint(2, 9)
    wrong = int(rnd.random() < 0.5)
    up = rnd.random() < 0.5
    word = "ceil" if up else "floor"
    value = sp.ceiling(sp.Rational(a, b)) if up else sp.floor(sp.Rational(a, b))
    left, right = rnd.choice([(f"\\l{word} \\frac{{{a}}}{{{b}}} \\r{word}", str(value + wrong)), (f"\\left\\l{word} {a / 4} \\right\\r{word}", str((sp.ceiling if up else sp.floor)(sp.Rational(a, 4)) + wrong)),
                              (f"\\l{word} \\sqrt{{{abs(a)}}} \\r{word}", str((sp.ceiling if up else sp.floor)(sp.sqrt(abs(a))) + wrong)), (f"{b}x+\\l{word} {a}/{b} \\r{word}", f"{value + wrong}+{b}x")])
    return left, right, not wrong


KINDS = {k.__name__.strip("_"): k for k in (fraction, decimal, root, polynomial, rational, constant, powers, spelled, percent, interval, tuple_, set_, matrix, mixed, factorial, binomial, rounded)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--pairs", type=int, default=60, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rnd = random.Random(args.seed)
    pairs, table = [], {}
    for kind, make in KINDS.items():
        row = table[kind] = {"pairs": 0, "agree": 0, "only_truth": 0, "only_lm_eval": 0}
        seen = set()
        for _ in range(args.pairs):
            a, b, truth = make(rnd)
            if (a, b) in seen:
                continue
            seen.add((a, b))
            try:
                theirs = bool(minerva.is_equiv(minerva.normalize_final_answer(a), minerva.normalize_final_answer(b)))
            except TimeoutError:  # sympy took long and swallowed the first alarm
                theirs = False
            finally:
                signal.alarm(0)
            pairs.append([a, b, theirs, kind, bool(truth), bool(hendrycks.is_equiv(a, b))])
            row["pairs"] += 1
            row["agree"] += theirs == truth
            row["only_truth"] += truth and not theirs
            row["only_lm_eval"] += theirs and not truth
    agreed = sum(row["agree"] for row in table.values())
    with open(args.out, "w", encoding="utf-8") as out:
        out.write(json.dumps({"what": "[a, b, minerva_math's is_equiv, kind, the same mathematics, hendrycks_math's is_equiv]", "agreed": agreed, "kinds": table})[:-1] + ', "pairs": [\n' + ",\n".join(json.dumps(p) for p in pairs) + "\n]}\n")
    for kind, row in table.items():
        print(kind, row)
    print("pairs", len(pairs), "agreed", agreed)


if __name__ == "__main__":
    main()
