"""Small bases with PEFT adapters and PEFT's own logits: what the engine's forward has to equal.

    make_engine_cases.py --out tests/golden/peft                 the committed fixed cases
    make_engine_cases.py --out DIR --random 60 --seed 7          seeded random cases over all families, one adapter each
    make_engine_cases.py --out DIR --measure                     DIR's cases measured anew; what is in fp32 must come out the same

Each family's folder has base/ (a checkpoint), adapters/<name>/ (as PEFT saves them) and golden.safetensors: `input_ids`
[T], `base` and `<name>` [T, V] fp32 logits of PEFT's unmerged forward after loading the saved adapter, and
`<name>.bf16_error` [2]: how far the same in bfloat16 lies from it, at most and as root mean square.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import sys

import make_golden  # sets the environment first
import peft
import safetensors.torch
import torch
import transformers as tf

VOCAB, TOKENS = 40, 24
SIZE = dict(vocab_size=VOCAB, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=3, pad_token_id=0)
BASES = {
    "llama": lambda: tf.LlamaConfig(**SIZE, head_dim=8, tie_word_embeddings=False),
    "llama_tied": lambda: tf.LlamaConfig(**SIZE, head_dim=8, tie_word_embeddings=True),
    "qwen2": lambda: tf.Qwen2Config(**SIZE, tie_word_embeddings=False),
    "qwen2_tied": lambda: tf.Qwen2Config(**SIZE, tie_word_embeddings=True),
    "qwen3": lambda: tf.Qwen3Config(**SIZE, head_dim=8, tie_word_embeddings=True),
    "gemma2": lambda: tf.Gemma2Config(**SIZE, head_dim=8, query_pre_attn_scalar=8, sliding_window=16),
    "phi3": lambda: tf.Phi3Config(**SIZE, tie_word_embeddings=False),
    "mistral": lambda: tf.MistralConfig(**SIZE, head_dim=8, sliding_window=16, tie_word_embeddings=False),
    "gemma3": lambda: tf.Gemma3TextConfig(**SIZE, head_dim=8, query_pre_attn_scalar=8, sliding_window=16),
    "olmo2": lambda: tf.Olmo2Config(**SIZE, tie_word_embeddings=False),
    "smollm3": lambda: tf.SmolLM3Config(**SIZE, tie_word_embeddings=True),
    "gpt2": lambda: tf.GPT2Config(vocab_size=VOCAB, n_embd=16, n_inner=24, n_layer=2, n_head=2, n_positions=64, bos_token_id=1,
                                  eos_token_id=3),
}
QV = ["q_proj", "v_proj"]
LORA = dict(r=3, lora_alpha=6)
FIXED = {
    "llama": {
        "saved_head": dict(target_modules=QV, modules_to_save=["lm_head"]),
        "saved_linear": dict(target_modules=QV, modules_to_save=["up_proj", "o_proj", "model.norm"]),
        "saved_embedding": dict(target_modules=QV, modules_to_save=["embed_tokens"]),
        "embedding": dict(target_modules=["embed_tokens", "lm_head", "q_proj"]),
        "embedding_dora": dict(use_dora=True, target_modules=["embed_tokens", "down_proj"]),
        "tokens": dict(target_modules=QV, trainable_token_indices=[7, 2, 11, 39]),
    },
    "llama_tied": {
        "tokens": dict(target_modules=QV, trainable_token_indices=[7, 2, 11, 39]),
        "tokens_two": dict(target_modules=QV, trainable_token_indices={"embed_tokens": [1, 2], "lm_head": [4, 3, 30]}),
        "saved_tied": dict(target_modules=QV, modules_to_save=["embed_tokens"], ensure_weight_tying=True),
        "saved_head": dict(target_modules=QV, modules_to_save=["lm_head"]),
        "embedding": dict(target_modules=["embed_tokens", "q_proj"]),
        "embedding_tied": dict(target_modules=["embed_tokens", "q_proj"], ensure_weight_tying=True),
    },
    "qwen2": {
        "bias_all": dict(target_modules=["q_proj", "o_proj"], bias="all"),
        "bias_lora_only": dict(target_modules=["k_proj", "up_proj"], bias="lora_only"),
        "bias_dora": dict(target_modules=["q_proj", "v_proj"], bias="all", use_dora=True),
        "saved_biased": dict(target_modules=["q_proj"], modules_to_save=["k_proj", "down_proj"]),
    },
    "qwen3": {
        "saved_norms": dict(target_modules=QV, modules_to_save=["q_norm", "k_norm", "input_layernorm"]),
    },
    "gemma2": {
        "embedding": dict(target_modules=["embed_tokens", "q_proj"]),
        "saved_embedding": dict(target_modules=QV, modules_to_save=["embed_tokens", "post_attention_layernorm"]),
        "tokens": dict(target_modules=QV, trainable_token_indices=[5, 3]),
    },
    "phi3": {
        "saved_fused": dict(target_modules=["qkv_proj"], modules_to_save=["gate_up_proj"]),
    },
    "gpt2": {
        "bias_all": dict(target_modules=["c_attn"], bias="all"),
        "bias_lora_only": dict(target_modules=["c_fc"], bias="lora_only"),
        "bias_all_saved": dict(target_modules=["c_fc"], modules_to_save=["ln_f"], bias="all"),
        "saved_conv1d": dict(target_modules=["c_fc"], modules_to_save=["c_attn", "c_proj"]),
        "saved_positions": dict(target_modules=["c_fc"], modules_to_save=["wpe"]),
        "embedding": dict(target_modules=["wte", "wpe", "c_attn"]),
        "tokens": dict(target_modules=["c_attn"], trainable_token_indices=[9, 4]),
    },
}


def make_base(family, out):
    model = tf.AutoModelForCausalLM.from_config(BASES[family](), attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1:
                p.normal_(0, 0.3 if name.split(".")[-2] in ("embed_tokens", "wte", "wpe") else 1.0 / p.shape[-1] ** 0.5)
            else:
                p.add_(torch.randn_like(p) * 0.1)
    model.save_pretrained(out)


def train(model):
    """Values that matter and still leave the logits in range."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_magnitude_vector" in name:
                p.mul_(1 + 0.2 * torch.rand_like(p))
            elif "lora_" in name:
                p.normal_(0, 0.3)
            elif ".modules_to_save." in name or "trainable_tokens_delta" in name or (name.endswith("bias") and p.requires_grad):
                p.add_(torch.randn_like(p) * 0.3)


def logits(base, adapter, dtype, ids):
    model = tf.AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation="eager")
    if adapter is not None:
        model = peft.PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        return model.eval()(ids).logits[0].float()


def measure(golden, name, base, adapter, ids):
    golden[name] = logits(base, adapter, torch.float32, ids).contiguous()
    error = logits(base, adapter, torch.bfloat16, ids) - golden[name]
    golden[name + ".bf16_error"] = torch.stack([error.abs().max(), error.pow(2).mean().sqrt()])


def measure_again(folder):
    old = safetensors.torch.load_file(folder / "golden.safetensors")
    golden = {"input_ids": old["input_ids"]}
    ids = old["input_ids"].long()[None]
    measure(golden, "base", folder / "base", None, ids)
    for adapter in sorted((folder / "adapters").iterdir()):
        measure(golden, adapter.name, folder / "base", adapter, ids)
    for name, tensor in golden.items():
        if not name.endswith(".bf16_error"):
            torch.testing.assert_close(tensor, old[name], rtol=1e-5, atol=1e-5)
            golden[name] = old[name]
    safetensors.torch.save_file(golden, folder / "golden.safetensors")


def make_family(folder, family, adapters, seed):
    torch.manual_seed(seed)
    shutil.rmtree(folder, ignore_errors=True)
    base = folder / "base"
    make_base(family, base)
    ids = torch.randint(0, VOCAB, (1, TOKENS))
    golden = {"input_ids": ids[0].to(torch.int32)}
    measure(golden, "base", base, None, ids)
    for name, keys in adapters.items():
        fresh = tf.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        keys = {**LORA, "fan_in_fan_out": family == "gpt2", **keys}
        wrapped = peft.get_peft_model(fresh, peft.LoraConfig(task_type="CAUSAL_LM", **keys))
        train(wrapped)
        wrapped.save_pretrained(folder / "adapters" / name)
        (folder / "adapters" / name / "README.md").unlink(missing_ok=True)
        measure(golden, name, base, folder / "adapters" / name, ids)
    for path in base.glob("generation_config.json"):
        path.unlink()
    safetensors.torch.save_file(golden, folder / "golden.safetensors")


# What make_golden draws for Llama's module names serves these as well; whether their head is tied is their own affair.
LIKE_LLAMA = {"qwen3": True, "gemma2": True, "gemma3": True, "smollm3": True, "mistral": False, "olmo2": False, "phi3": False}


def other_family(rng, tied, options):
    """Carries options drawn for Llama over to another family; None where they make no sense there."""
    family = rng.choice(sorted(name for name, is_tied in LIKE_LLAMA.items() if is_tied == tied))
    if family == "phi3":
        if isinstance(options["target_modules"], str) and options["target_modules"] != "all-linear":
            return None, options
        text = json.dumps(options)
        for old, new in {"q_proj": "qkv_proj", "k_proj": "qkv_proj", "v_proj": "qkv_proj", "gate_proj": "gate_up_proj",
                         "up_proj": "gate_up_proj"}.items():
            text = text.replace(f'"{old}"', f'"{new}"').replace(f".*{old}", f".*{new}")
        options = json.loads(text)
        if isinstance(options["target_modules"], list):
            options["target_modules"] = list(dict.fromkeys(options["target_modules"]))
    return family, options


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.measure:
        for folder in sorted(args.out.iterdir()):
            measure_again(folder)
        return
    for index in range(args.random):
        family, tied, options = make_golden.random_options(random.Random(args.seed * 100003 + index))
        if family == "gpt2" and not tied:
            options["ensure_weight_tying"] = False
        rng = random.Random(args.seed * 100003 + index + 500_000_000)
        name = family + "_tied" if tied and family != "gpt2" else family
        if family != "gpt2" and rng.random() < 0.7:
            other, options = other_family(rng, tied, options)
            name = other or name
        options = {k: v for k, v in options.items() if k != "fan_in_fan_out"}
        if family == "gpt2" and "lm_head" in options["target_modules"]:
            options["target_modules"] = [m for m in options["target_modules"] if m != "lm_head"]
        try:
            make_family(args.out / f"case_{index:04}", name, {"adapter": options}, args.seed + index)
        except Exception:
            print("case", index, family, tied, options, file=sys.stderr)
            raise
    if args.random:
        return
    for seed, (family, adapters) in enumerate(FIXED.items()):
        make_family(args.out / family, family, adapters, seed)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT keeps target_modules in a set: its order follows the hash
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    main()
