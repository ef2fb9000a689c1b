"""Golden adapters: what PEFT itself makes of small random adapters, for core/lora to equal.

    make_golden.py --out tests/golden/lora              the committed fixed cases
    make_golden.py --out DIR --random 60 --seed 7       seeded random cases

Each case is a folder with the adapter as PEFT's save_pretrained wrote it, `base.json` (the base's modules) and
`expected.safetensors`, measured on a second model into which PEFT loaded the saved adapter:

    <module>/x, /base, /y        input [3, in] or ids [3], the base's output, the adapted output
    <module>/delta               get_delta_weight, without DoRA
    <module>/weight, /bias       the base's parameters where DoRA needs them
    <module>/replaced_weight     effective parameter of a replaced module or table with replaced rows
    <module>/replaced_bias

Everything is fp32 on CPU and seeded. Written for peft 0.21 and transformers 5 (tests/oracle/requirements.txt).
"""

import argparse
import json
import os
import random
import shutil
import sys
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
warnings.filterwarnings("ignore")

import torch  # noqa: E402
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from peft.tuners.lora import LoraLayer  # noqa: E402
from peft.utils.other import AuxiliaryTrainingWrapper, ModulesToSaveWrapper  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from transformers import GPT2Config, LlamaConfig, Qwen2Config  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402
from transformers.pytorch_utils import Conv1D  # noqa: E402

HIDDEN, VOCAB = 8, 12


def base_model(family, tied):
    torch.manual_seed(1)
    common = dict(vocab_size=VOCAB, tie_word_embeddings=tied)
    decoder = dict(hidden_size=HIDDEN, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2,
                   num_key_value_heads=1, head_dim=4, **common)
    config = {
        "llama": lambda: LlamaConfig(**decoder),
        "qwen2": lambda: Qwen2Config(**{k: v for k, v in decoder.items() if k != "head_dim"}),
        "gpt2": lambda: GPT2Config(n_embd=HIDDEN, n_layer=1, n_head=2, n_positions=8, n_inner=12, **common),
    }[family]()
    model = AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.copy_(torch.randn_like(parameter) * 0.3)
            elif parameter.ndim == 2:
                parameter.copy_(torch.randn_like(parameter) * 0.5)
    return model


def describe(model):
    rows = []
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    names = {id(m): n for n, m in model.named_modules()}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, torch.nn.Linear):
            kind, size = "linear", (module.in_features, module.out_features)
        elif isinstance(module, Conv1D):
            kind, size = "conv1d", tuple(weight.shape)
        elif isinstance(module, torch.nn.Embedding):
            kind, size = "embedding", tuple(weight.shape)
        elif isinstance(weight, torch.nn.Parameter) and weight.ndim == 1:
            kind, size = "norm", (len(weight), len(weight))
        else:
            continue
        tied = module is head and weight is embedding.weight
        rows.append(dict(name=name, kind=kind, **{"in": size[0], "out": size[1]},
                         has_bias=getattr(module, "bias", None) is not None, is_output_head=module is head,
                         tied_to=names[id(embedding)] if tied else ""))
    return rows


def randomise(model, generator):
    """Every adapter parameter gets values that matter; magnitudes stay near those of the weights."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "lora_magnitude_vector" in name:
                parameter.mul_(1 + 0.3 * noise)
            elif "lora_" in name or ".modules_to_save." in name or "trainable_tokens_delta" in name:
                parameter.copy_(noise * 0.5)
            elif name.endswith("bias") and parameter.requires_grad:
                parameter.copy_(noise * 0.5)


def expected(model, base, dora, generator):
    result = {}
    base_modules = dict(base.named_modules())
    root = model.base_model.model
    with torch.no_grad():
        for name, module in root.named_modules():
            if isinstance(module, LoraLayer):
                plain = base_modules[name]
                if isinstance(plain, torch.nn.Embedding):
                    x = torch.randint(plain.num_embeddings, (3,), generator=generator)
                else:
                    width = plain.weight.shape[0] if isinstance(plain, Conv1D) else plain.weight.shape[1]
                    x = torch.randn(3, width, generator=generator)
                # The base's output with the biases the adapter brings, as the engine computes it.
                result |= {f"{name}/x": x, f"{name}/base": module.base_layer(x), f"{name}/y": module(x)}
                if dora:
                    result[f"{name}/weight"] = module.base_layer.weight.clone()
                    if getattr(module.base_layer, "bias", None) is not None:
                        result[f"{name}/bias"] = module.base_layer.bias.clone()
                else:
                    result[f"{name}/delta"] = module.get_delta_weight("default").contiguous()
            if isinstance(module, AuxiliaryTrainingWrapper):
                inner = module.modules_to_save["default"] if isinstance(module, ModulesToSaveWrapper) else module
                result[f"{name}/replaced_weight"] = inner.weight.clone()
                if isinstance(module, ModulesToSaveWrapper) and getattr(inner, "bias", None) is not None:
                    result[f"{name}/replaced_bias"] = inner.bias.clone()
        for name, module in root.named_modules():
            bias = getattr(module, "bias", None)
            plain_name = name.replace(".base_layer", "")
            plain = base_modules.get(plain_name)
            if not isinstance(bias, torch.nn.Parameter) or plain is None or name.endswith("modules_to_save.default"):
                continue
            if not torch.equal(bias, plain.bias):
                result[f"{plain_name}/replaced_bias"] = bias.clone()
    return {k: v.detach().contiguous().clone() for k, v in result.items()}


def make_case(folder, family, tied, options, seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    config = LoraConfig(task_type="CAUSAL_LM", base_model_name_or_path=f"tiny-{family}", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = get_peft_model(base_model(family, tied), config)
        randomise(model, generator)
        model.base_model.model.config.name_or_path = f"tiny-{family}"
        if dtype != torch.float32:
            for name, parameter in model.named_parameters():
                if "lora_" in name:
                    parameter.data = parameter.data.to(dtype)
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        os.remove(os.path.join(folder, "README.md"))
        base = base_model(family, tied)
        rows = describe(base)
        loaded = PeftModel.from_pretrained(base_model(family, tied), folder).eval()
    save_file(expected(loaded, base, options.get("use_dora", False), generator),
              os.path.join(folder, "expected.safetensors"))
    with open(os.path.join(folder, "base.json"), "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


ATTENTION = ["q_proj", "v_proj"]
FIXED = {
    "plain": ("llama", False, dict(r=4, lora_alpha=8, target_modules=ATTENTION)),
    "rslora": ("llama", True, dict(r=4, lora_alpha=8, use_rslora=True, target_modules=ATTENTION)),
    "patterns": ("llama", False, dict(
        r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "up_proj"],
        rank_pattern={"v_proj": 2, "layers.1.self_attn.q_proj": 3, "^model.layers.0.mlp.up_proj": 5},
        alpha_pattern={"layers.1.*_proj": 3, "self_attn.v_proj": 20, "proj": 6})),
    "patterns_rslora": ("qwen2", False, dict(
        r=2, lora_alpha=3, use_rslora=True, target_modules=["q_proj", "k_proj"],
        rank_pattern={"k_proj": 1, r"layers\.0\..*": 4}, alpha_pattern={r".*\.0\..*q_proj": 5})),
    "regex": ("llama", True, dict(r=2, lora_alpha=4, target_modules=r".*layers\.\d+\.(self_attn|mlp)\.(o|down)_proj")),
    "all_linear": ("llama", False, dict(r=1, lora_alpha=2, target_modules="all-linear", exclude_modules=["k_proj"])),
    "layers": ("llama", False, dict(r=2, lora_alpha=4, target_modules=["q_proj", "model.layers.0.mlp.up_proj"],
                                    layers_to_transform=[1], layers_pattern="layers")),
    "dora": ("qwen2", False, dict(r=2, lora_alpha=4, use_dora=True, target_modules=["q_proj", "down_proj"])),
    "lora_bias": ("qwen2", False, dict(r=2, lora_alpha=3, lora_bias=True, target_modules=ATTENTION)),
    "bias_all": ("qwen2", False, dict(r=2, lora_alpha=4, bias="all", target_modules=["q_proj", "o_proj"])),
    "bias_lora_only": ("qwen2", True, dict(r=2, lora_alpha=4, bias="lora_only", target_modules=["q_proj"])),
    "embedding": ("llama", False, dict(r=2, lora_alpha=4, target_modules=["embed_tokens", "lm_head", "q_proj"])),
    "embedding_dora": ("llama", False, dict(r=2, lora_alpha=4, use_dora=True, target_modules=["embed_tokens"])),
    "embedding_tied": ("llama", True, dict(r=2, lora_alpha=4, target_modules=["embed_tokens", "q_proj"])),
    "saved": ("llama", False, dict(r=2, lora_alpha=4, target_modules=ATTENTION,
                                   modules_to_save=["lm_head", "model.norm"])),
    "saved_bias_all": ("gpt2", True, dict(r=1, lora_alpha=2, fan_in_fan_out=True, target_modules=["c_fc"],
                                          modules_to_save=["ln_f"], bias="all")),
    "saved_tied": ("llama", True, dict(r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["embed_tokens"],
                                       ensure_weight_tying=True)),
    "embedding_ensured_tied": ("llama", True, dict(r=2, lora_alpha=4, target_modules=["embed_tokens", "q_proj"],
                                                   ensure_weight_tying=True)),
    "tokens_two": ("llama", True, dict(r=2, lora_alpha=4, target_modules=["q_proj"],
                                       trainable_token_indices={"embed_tokens": [1, 2], "lm_head": [4, 3]})),
    "tokens": ("llama", True, dict(r=2, lora_alpha=4, target_modules=ATTENTION, trainable_token_indices=[7, 2, 11])),
    "gpt2": ("gpt2", True, dict(r=2, lora_alpha=4, fan_in_fan_out=True, target_modules=["c_attn", "c_proj"])),
    "gpt2_dora": ("gpt2", True, dict(r=2, lora_alpha=4, use_dora=True, fan_in_fan_out=True, bias="all",
                                     target_modules=["c_fc"])),
}


def random_options(rng):
    family = rng.choice(["llama", "qwen2", "gpt2"])
    modules = (["c_attn", "c_proj", "c_fc"] if family == "gpt2" else
               ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    targets = rng.sample(modules, rng.randint(1, len(modules)))
    tied = rng.random() < 0.5
    options = dict(r=rng.choice([1, 2, 3, 8, 16]), lora_alpha=rng.choice([1, 4, 16, 0.5]),
                   use_rslora=rng.random() < 0.4, fan_in_fan_out=family == "gpt2")
    shape = rng.random()
    if shape < 0.6:
        options["target_modules"] = targets
        if rng.random() < 0.25:
            options["layers_to_transform"] = rng.choice([0, [0], [0, 1]] if family == "gpt2" else [0, 1, [1], [0, 1]])
    elif shape < 0.8:
        options["target_modules"] = rf".*\.\d+\..*({'|'.join(targets)})"
    else:
        options["target_modules"] = "all-linear"
        # Something must be left to target.
        options["exclude_modules"] = rng.choice([None, [modules[0]], rf".*{modules[0]}"])
    if rng.random() < 0.5:
        options["rank_pattern"] = {key: rng.randint(1, 6) for key in rng.sample(modules, 2)}
    if rng.random() < 0.5:
        options["alpha_pattern"] = {rf".*[01]\..*{modules[0]}": 7, rng.choice(modules): rng.choice([3, 2.5])}
    kind = rng.random()
    if kind < 0.35:
        options["use_dora"] = True
    elif kind < 0.55:
        options["lora_bias"] = True
    if rng.random() < 0.3:
        options["bias"] = rng.choice(["all", "lora_only"])
    embedding = "wte" if family == "gpt2" else "embed_tokens"
    extra = rng.random()
    if extra < 0.2 and isinstance(options["target_modules"], list) and not options.get("lora_bias"):
        options["target_modules"] = targets + [embedding] + ([] if tied else ["lm_head"])
        options.pop("layers_to_transform", None)
    elif extra < 0.4:
        options["modules_to_save"] = rng.choice([["lm_head"], [embedding], ["ln_f" if family == "gpt2" else "model.norm"]])
    elif extra < 0.6:
        options["trainable_token_indices"] = rng.sample(range(VOCAB), 3)
    options["ensure_weight_tying"] = tied and rng.random() < 0.3
    return family, tied, options


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.random:
        for index in range(args.random):
            rng = random.Random(args.seed * 100003 + index)
            family, tied, options = random_options(rng)
            try:
                make_case(os.path.join(args.out, f"case_{index:04}"), family, tied, options, args.seed + index)
            except Exception:
                print("case", index, family, tied, options, file=sys.stderr)
                raise
        return
    for seed, (name, (family, tied, options)) in enumerate(FIXED.items()):
        make_case(os.path.join(args.out, name), family, tied, options, seed)
    make_case(os.path.join(args.out, "bf16"), "llama", False,
              dict(r=4, lora_alpha=8, target_modules=ATTENTION), 99, torch.bfloat16)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT keeps target_modules in a set: its order follows the hash
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    main()
