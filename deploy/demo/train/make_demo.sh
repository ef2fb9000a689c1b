#!/usr/bin/env bash
# Makes everything under deploy/demo anew: suites, base, adapters, their scores, and the golden logits of the tests.
# Needs the oracle's environment (tests/oracle/setup.sh). About 30 minutes (estimated) on two cores that nobody else uses.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
python=${PLUMBLINE_ORACLE_VENV:-$HOME/.cache/plumbline/oracle}/bin/python
[ -x "$python" ] || { echo "make_demo: run tests/oracle/setup.sh first" >&2; exit 1; }

echo "make_demo: writing the suites"
"$python" suites.py
for model in base instruct arithmetic format wrong-base; do
  echo "make_demo: training $model"
  "$python" train.py "$model"
done
echo "make_demo: evaluating"
"$python" evaluate.py
echo "make_demo: golden logits"
"$python" ../../../tests/oracle/make_logits.py
