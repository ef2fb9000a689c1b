#!/usr/bin/env bash
# Makes the oracle's virtual environment: torch, transformers, PEFT and lm-eval in exact versions (about 5 GB).
# Idempotent: does nothing when the environment already matches requirements*.txt.
#
#   PLUMBLINE_ORACLE_VENV  where it goes (default ~/.cache/plumbline/oracle)
#   PLUMBLINE_PUNKT_DIR    NLTK's English Punkt parameters, which its downloader can't always fetch
#                          (default ../shared/data/punkt_english beside the repository)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${PLUMBLINE_ORACLE_VENV:-$HOME/.cache/plumbline/oracle}
punkt=${PLUMBLINE_PUNKT_DIR:-$here/../../../shared/data/punkt_english}
stamp=$venv/.plumbline-requirements

if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  echo "oracle: python3 has no venv module; on Debian: apt-get install python3-venv" >&2
  exit 1
fi
if cat "$here"/requirements*.txt | cmp -s - "$stamp"; then
  echo "oracle: $venv is up to date"
else
  if [ ! -x "$venv/bin/python" ]; then
    echo "oracle: making the virtual environment $venv"
    mkdir -p "$(dirname "$venv")"
    python3 -m venv "$venv"
  fi
  echo "oracle: installing requirements.txt (about 5 GB, a minute or two)"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$here/requirements-alone.txt"
  cat "$here"/requirements*.txt >"$stamp"
fi

# lm-eval's sentence and capital-word checks need Punkt's English parameters under nltk_data.
target=$venv/nltk_data/tokenizers/punkt_tab/english
if [ -s "$target/abbrev_types.txt" ]; then
  echo "oracle: Punkt parameters are there"
elif [ -s "$punkt/abbrev_types.txt" ]; then
  mkdir -p "$target"
  cp "$punkt"/*.txt "$punkt"/*.tab "$target/"
  echo "oracle: Punkt parameters copied from $punkt"
elif "$venv/bin/python" -m nltk.downloader -q -d "$venv/nltk_data" punkt_tab && [ -s "$target/abbrev_types.txt" ]; then
  echo "oracle: Punkt parameters downloaded"
else
  echo "oracle: no Punkt parameters; the checks of sentences and capital words will raise LookupError." >&2
  echo "oracle: set PLUMBLINE_PUNKT_DIR to a folder with them and run this again." >&2
  exit 1
fi
echo "oracle: ready, $venv/bin/python"
