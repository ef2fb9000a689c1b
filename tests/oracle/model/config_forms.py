#!/usr/bin/env python3
"""Configurations in unusual forms: old and new spellings, keys that overrule one another, keys of other families.

  ~/.cache/plumbline/oracle/bin/python tests/oracle/model/config_forms.py [--bin build/release/bin]

Each case is a small random model saved by transformers, whose config.json is then edited. What must hold: `plumbline score` gives the
log-probabilities of transformers' AutoModelForCausalLM on the same folder, or the server refuses the folder by name. Exits with 1 where a
model runs and its result is another. A folder that transformers refuses and we run, or that only we refuse, is counted and shown.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests/oracle"))
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
from plumbline_process import Plumbline  # noqa: E402
import tokenizers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

TOKENIZER = os.path.join(ROOT, "deploy/demo/models/plumb-tiny")
TEXT = "The quick brown fox jumps over the lazy dog and then sleeps for seven hours in the warm sun."
SHAPE = dict(vocab_size=1536, hidden_size=64, intermediate_size=96, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
             head_dim=16, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0)
GONE = object()  # the key is taken out
SLIDING, FULL = ["sliding_attention"] * 4, ["full_attention"] * 4
MIXED = ["sliding_attention", "full_attention"] * 2
LINEAR = {"rope_type": "linear", "factor": 4.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 1e4}
LONG = {"rope_type": "longrope", "rope_theta": 1e4, "factor": 9.0, "short_factor": [1.1] * 8, "long_factor": [2.0] * 8,
        "original_max_position_embeddings": 32}
GEMMA = dict(layer_types=MIXED, sliding_window=16, query_pre_attn_scalar=16)

# Family, what the model is made with, what its config.json is then edited to.
CASES = [
    ("Llama", {}, dict(rope_parameters=GONE, rope_scaling={"type": "dynamic", "factor": 2.0}, rope_theta=5e3)),
    ("Llama", {}, dict(rope_parameters={**YARN, "attention_factor": 0})),
    ("Llama", {}, dict(rope_parameters={"rope_type": "default"}, rope_theta=777.0)),
    ("Llama", {}, dict(rope_parameters={"type": "linear", "factor": 4.0, "rope_type": "default", "rope_theta": 1e4})),
    ("Llama", {}, dict(rope_parameters={"rope_type": "default", "rope_theta": 1e4, "factor": 4.0}, rope_scaling={})),
    ("Llama", {}, dict(rope_parameters=LONG)),
    ("Llama", {}, dict(rope_parameters={"rope_type": "proportional", "rope_theta": 1e4})),
    ("Llama", {}, dict(hidden_act="relu")),
    ("Llama", {}, dict(sliding_window=5, layer_types=SLIDING)),
    ("Llama", {}, dict(num_experts=0, num_local_experts=None)),
    ("Llama", {}, dict(quantization_config={})),
    ("Llama", {}, dict(architectures=None)),
    ("Llama", {}, dict(architectures=["LlamaModel"])),
    ("Llama", {}, dict(architectures=["LlamaForSequenceClassification"])),
    ("Llama", {}, dict(max_position_embeddings=GONE)),
    ("Mistral", dict(sliding_window=5), dict(sliding_window=5)),
    ("Mistral", dict(sliding_window=5), dict(layer_types=FULL)),
    ("Mistral", dict(sliding_window=5), dict(layer_types=MIXED)),
    ("Mistral", {}, dict(sliding_window=None, layer_types=SLIDING)),
    ("Mistral", {}, dict(rope_parameters={**YARN, "mscale": 0.5, "mscale_all_dim": 1.0, "beta_fast": 8})),
    ("Qwen2", {}, dict(layer_types=GONE, use_sliding_window=True, sliding_window=5, max_window_layers=2)),
    ("Qwen2", {}, dict(attention_bias=False)),
    ("Qwen2", {}, dict(layer_types=SLIDING, use_sliding_window=False, sliding_window=5)),
    ("Qwen2", {}, dict(num_nextn_predict_layers=1)),
    ("Qwen3", {}, dict(layer_types=MIXED, use_sliding_window=True, sliding_window=5)),
    ("SmolLM3", dict(use_sliding_window=True, sliding_window=5), dict(layer_types=SLIDING, use_sliding_window=False)),
    ("SmolLM3", {}, dict(layer_types=GONE, no_rope_layers=GONE, no_rope_layer_interval=2, use_sliding_window=True, sliding_window=5)),
    ("SmolLM3", {}, dict(num_key_value_heads=GONE)),
    ("Olmo2", {}, dict(clip_qkv=0.5)),
    ("Olmo2", {}, dict(sliding_window=5, layer_types=SLIDING)),
    ("Phi3", {}, dict(sliding_window=5, partial_rotary_factor=0.5)),
    ("Phi3", {}, dict(rope_parameters={"rope_type": "default", "rope_theta": 1e4}, partial_rotary_factor=0.5)),
    ("Phi3", {}, dict(rope_parameters=LONG)),
    ("Phi3", {}, dict(rope_parameters={**LINEAR, "rope_theta": 1e4})),
    ("Gemma2", dict(sliding_window=5), dict(hidden_act="relu", layer_types=GONE)),
    ("Gemma2", {}, dict(final_logit_softcapping=None, attn_logit_softcapping=GONE)),
    ("Gemma3Text", GEMMA, dict(attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    ("Gemma3Text", GEMMA, dict(rope_scaling={"rope_type": "linear", "factor": 8.0})),
    ("Gemma3Text", GEMMA, dict(rope_parameters=GONE, rope_scaling={"rope_type": "linear", "factor": 8.0})),
    ("Gemma3Text", GEMMA, dict(rope_parameters={"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6})),
    ("Gemma3Text", GEMMA, dict(rope_parameters={"full_attention": {**LINEAR, "rope_theta": 1e6}})),
]


def make(folder, family, made_with, edits):
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**SHAPE, **made_with)
    model = getattr(transformers, f"{family.removesuffix('Text')}ForCausalLM")(config).float()
    for name, parameter in model.named_parameters():
        parameter.data.normal_(0, 0.1 if "norm" in name else 0.3)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(TOKENIZER, name), folder)
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as file:
        written = json.load(file)
    written.update(edits)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({key: value for key, value in written.items() if value is not GONE}, file)


def expected(folder):
    """Log-probabilities of TEXT's tokens but the first, or what transformers refuses."""
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        ids = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json")).encode(TEXT).ids
        with torch.no_grad():
            rows = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        return [rows[i - 1, ids[i]].item() for i in range(1, len(ids))]
    except Exception as error:  # whatever transformers throws
        return str(error).strip().splitlines()[0]


def computed(server, name, folder):
    """The same of the server."""
    try:
        server.run("model", "load", name, folder)
        tokens = json.loads(server.run("-o", "json", "score", "-m", name, TEXT, "--top", "0"))["tokens"]
        server.run("model", "unload", name)
        return [token["logprob"] for token in tokens][1:]
    except RuntimeError as error:
        return str(error)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    arguments = parser.parse_args()
    counts = {"same": 0, "different": 0, "both refuse": 0, "only we refuse": 0, "only transformers refuses": 0}
    with tempfile.TemporaryDirectory() as work, Plumbline(arguments.bin, work, ["--kv-cache-bytes", "64MiB"]) as server:
        for number, (family, made_with, edits) in enumerate(CASES):
            folder = os.path.join(work, f"m{number}")
            make(folder, family, made_with, edits)
            want, got = expected(folder), computed(server, f"m{number}", folder)
            if isinstance(want, str) or isinstance(got, str):
                outcome = ("both refuse" if isinstance(want, str) and isinstance(got, str) else
                           "only transformers refuses" if isinstance(want, str) else "only we refuse")
            else:
                outcome = "same" if max(abs(a - b) for a, b in zip(want, got, strict=True)) < 2e-4 else "different"
            counts[outcome] += 1
            if outcome != "same":
                shown = {key: "gone" if value is GONE else value for key, value in edits.items()}
                print(f"{outcome}: {family} {shown}", *(x[-200:] for x in (want, got) if isinstance(x, str)), sep="\n  ")
            shutil.rmtree(folder)
    print(json.dumps(counts))
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
