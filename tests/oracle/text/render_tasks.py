"""Renders task templates as lm_eval.utils.apply_template does: [[template, doc], ...] in, [text or null, ...] out."""
import json
import sys

from jinja2 import BaseLoader, Environment, StrictUndefined


def load_environment():
    try:
        from lm_eval.utils import env
        return env
    except ImportError as error:
        sys.exit(f"render_tasks.py: {error}")


env = load_environment()
assert isinstance(env, Environment) and env.undefined is StrictUndefined and env.keep_trailing_newline


def render(source, doc):
    try:
        return env.from_string(source).render(**doc)
    except Exception:
        return None


json.dump([render(source, doc) for source, doc in json.load(sys.stdin)], sys.stdout, ensure_ascii=False, indent=0)
print()
