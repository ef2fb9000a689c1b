"""Writes tests/golden/demo/: what transformers + PEFT say of deploy/demo's base and adapters, in fp32 on CPU.

Run by the oracle's Python after every change of the demo's models. The layout is described in tests/golden/demo/README.md.
"""

import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
import transformers
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "deploy" / "demo"
BASE = DEMO / "models" / "plumb-tiny"
OUT = ROOT / "tests" / "golden" / "demo"
SUBJECTS = ["base", "instruct", "arithmetic", "format"]
LAST = 2         # positions whose whole rows of logits are kept
CONTINUATION = 32

CONVERSATIONS = {
    "one_turn": [{"role": "user", "content": "Mira has 34 apples. Mira buys 17 more. How many apples does Mira have now?"}],
    "four_turns": [{"role": "system", "content": "You answer briefly.  "},
                    {"role": "user", "content": "Tell me about the harbour."},
                    {"role": "assistant", "content": "The harbour is calm.\nMany boats rest there."},
                    {"role": "user", "content": "Gr\u00fc\u00dfe aus K\u00f6ln! \u2603 Write about the park. Do not use any commas."}],
}
PLAIN = {
    "short": "The river is",
    "long": "Problem: What is 45 + 38?\nWorking: 45 + 38 = 83.\nResult: 83\n\nProblem: Tom has 12 stamps. Tom finds 30 more. "
            "How many stamps does Tom have now?\nWorking:",
}


def sequences(tokenizer) -> dict[str, list[int]]:
    out = {name: tokenizer(text).input_ids for name, text in PLAIN.items()}
    for name in CONVERSATIONS:
        out[name] = tokenizer.apply_chat_template(CONVERSATIONS[name], add_generation_prompt=True, return_dict=False)
    return out


def main() -> None:
    torch.set_num_threads(1)
    tokenizer = transformers.AutoTokenizer.from_pretrained(BASE)
    prompts = sequences(tokenizer)
    tensors, greedy = {}, {}
    for subject in SUBJECTS:
        model = transformers.AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)
        if subject != "base":
            model = peft.PeftModel.from_pretrained(model, DEMO / "adapters" / subject)
        model.eval()
        greedy[subject] = {}
        for name, ids in prompts.items():
            x = torch.tensor([ids])
            with torch.inference_mode():
                logits = model(input_ids=x).logits[0].float()
                made = model.generate(input_ids=x, attention_mask=torch.ones_like(x), max_new_tokens=CONTINUATION,
                                      do_sample=False)[0, len(ids):].tolist()
            logp = torch.log_softmax(logits.double(), -1)[:-1].gather(1, x[0, 1:, None])[:, 0]
            tensors[f"{subject}.{name}.logits"] = logits[-LAST:].contiguous()
            tensors[f"{subject}.{name}.next_logprob"] = logp.float().contiguous()
            greedy[subject][name] = {"ids": made, "text": tokenizer.decode(made, skip_special_tokens=True)}
    OUT.mkdir(parents=True, exist_ok=True)
    save_file(tensors, OUT / "logits.safetensors")
    golden = {
        "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__,
                     "peft": peft.__version__},
        "prompts": {n: {"ids": ids, "text": PLAIN.get(n) or tokenizer.decode(ids)} for n, ids in prompts.items()},
        "greedy": greedy,
        "chat": [{"name": n, "messages": m, "add_generation_prompt": g,
                  "text": tokenizer.apply_chat_template(m, add_generation_prompt=g, tokenize=False),
                  "ids": tokenizer.apply_chat_template(m, add_generation_prompt=g, return_dict=False)}
                 for n, m in CONVERSATIONS.items() for g in (True, False)],
    }
    (OUT / "golden.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")
    size = sum(f.stat().st_size for f in OUT.iterdir())
    print(f"{OUT}: {len(tensors)} tensors, {size} bytes")
    assert size < 300_000


if __name__ == "__main__":
    main()
