"""Writes the two task suites, `../tasks/demo_*.yaml` and `.jsonl`. They come first; training then avoids their prompts."""

import json
import pathlib
import random

import instructions
import sums

TASKS = pathlib.Path(__file__).resolve().parent.parent / "tasks"
SEED = 20260101
PROMPTS = 240

_YAML = """\
# A task of Plumbline's own: every prompt and answer is made by deploy/demo/train (Apache-2.0).
task: {task}
version: 1
capability: {capability}
summary: {description}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {task}.jsonl}}}}
test_split: test
output_type: generate_until
prompt_format: chat
doc_to_text: "{{{{{text}}}}}"
{target}generation_kwargs: {{until: [], max_gen_toks: 96, do_sample: false}}
checker: {checker}
"""


def instruction_rows() -> list[dict]:
    """All 25 kinds in turn, alone for the first six rounds, then in pairs; every prompt once."""
    rng, rows, seen = random.Random(SEED), [], set()
    kinds = [(k,) for k in sorted(instructions.WORDINGS)] * 6
    while len(kinds) < PROMPTS:
        kinds.append(rng.choice(instructions.PAIRS))
    for kind in kinds:
        while (r := instructions.request(rng, kind)).prompt in seen:
            pass
        seen.add(r.prompt)
        rows.append({"key": len(rows) + 1, "prompt": r.prompt, "instruction_id_list": [c.id for c in r.constraints],
                     "kwargs": [c.kwargs for c in r.constraints]})
    return rows


def arithmetic_rows() -> list[dict]:
    rng, rows, seen = random.Random(SEED + 1), [], set()
    while len(rows) < PROMPTS:
        p = sums.problem(rng)
        if p.question not in seen:
            seen.add(p.question)
            rows.append({"question": p.question, "answer": sums.worked(p)})
    return rows


def held_out() -> frozenset[str]:
    """Every prompt of both suites, which no training sample may contain."""
    return frozenset([r["prompt"] for r in instruction_rows()] + [r["question"] for r in arithmetic_rows()])


def main() -> None:
    TASKS.mkdir(parents=True, exist_ok=True)
    for task, rows, fields in [
        ("demo_instructions", instruction_rows(), dict(
            capability="instruction_following", checker="ifeval", text="prompt", target="",
            description="Short requests with one or two verifiable constraints, all 25 of IFEval's kinds.")),
        ("demo_arithmetic", arithmetic_rows(), dict(
            capability="numeric", checker="numeric", text="question", target='doc_to_target: "{{answer}}"\n',
            description="Sums and word problems of one to three steps, all numbers below 200.")),
    ]:
        (TASKS / f"{task}.yaml").write_text(_YAML.format(task=task, **fields))
        (TASKS / f"{task}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        print(f"{task}: {len(rows)} rows")


if __name__ == "__main__":
    main()
