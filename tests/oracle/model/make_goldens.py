"""Random small checkpoints of every family, with the logits transformers computes for them.

    python tests/oracle/model/make_goldens.py OUT --count 200 --seed 0     # a parity run
    python tests/oracle/model/make_goldens.py tests/golden/model --committed

Each case is a folder: a Hugging Face checkpoint as save_pretrained writes it, and golden.safetensors with
`input_ids` [T] int32, `logits` [T, V] fp32 (eager attention) and `bf16_error` [2]: the largest and the root mean square
difference of transformers' own bfloat16 logits from its fp32 ones. Shapes are chosen to hurt: head_dim that
does not divide the hidden size, one KV head, odd vocabularies, tied and untied heads, several shards, every
RoPE scaling, windows and original contexts shorter than the text.
"""
import argparse
import json
import pathlib
import random
import shutil

import safetensors.torch
import torch
import transformers as tf

FAMILIES = ["llama", "qwen2", "qwen3", "mistral", "gemma2", "gemma3", "phi3", "smollm3", "olmo2", "gpt2"]


def rope(rng, family, head_dim, context):
    kinds = ["default", "default", "linear", "dynamic", "yarn", "llama3"]
    if family in ("llama", "qwen2", "mistral"):
        kinds.append("longrope")
    if family == "phi3":
        kinds = ["default", "longrope", "longrope"]
    kind = rng.choice(kinds)
    theta = rng.choice([10000.0, 500000.0, 1000.0])
    parameters = {"rope_type": kind, "rope_theta": theta}
    original = context // 4
    if kind in ("linear", "dynamic", "yarn", "llama3"):
        parameters["factor"] = rng.choice([2.0, 4.0])
    if kind == "yarn":
        parameters["original_max_position_embeddings"] = original
        parameters["factor"] = 4.0
        if rng.random() < 0.3:
            parameters["attention_factor"] = 1.1
    if kind == "llama3":
        parameters.update(low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=original)
    if kind == "longrope":
        parameters.update(short_factor=[1.0 + 0.1 * rng.random() for _ in range(head_dim // 2)],
                          long_factor=[1.0 + 3 * rng.random() for _ in range(head_dim // 2)],
                          original_max_position_embeddings=original)
    return parameters


def shape(rng, family):
    kv = rng.choice([1, 1, 2, 3])
    heads = kv * rng.choice([1, 2, 3, 4])
    head_dim = rng.choice([8, 16, 20, 32, 6])
    free_head_dim = family in ("llama", "qwen3", "mistral", "gemma2", "gemma3")
    hidden = heads * head_dim
    if free_head_dim and rng.random() < 0.5:
        hidden = heads * rng.choice([4, 10, 12])
    return dict(hidden_size=hidden, intermediate_size=rng.choice([33, 48, 64, 100]), num_attention_heads=heads,
                num_key_value_heads=kv, num_hidden_layers=rng.choice([1, 2, 3, 5]), vocab_size=rng.choice([61, 97, 128, 301]),
                ), head_dim


def config(rng, family):
    s, d = shape(rng, family)
    context = 64
    common = dict(max_position_embeddings=context, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    tied = rng.random() < 0.5
    window = rng.choice([5, 16, 33])
    if family == "gpt2":
        heads = s["num_attention_heads"]
        return tf.GPT2Config(vocab_size=s["vocab_size"], n_positions=context, n_embd=heads * d, n_layer=s["num_hidden_layers"],
                             n_head=heads, n_inner=rng.choice([None, 50]), bos_token_id=1, eos_token_id=2,
                             scale_attn_by_inverse_layer_idx=rng.random() < 0.3, tie_word_embeddings=True)
    if family == "phi3":
        s["hidden_size"] = s["num_attention_heads"] * d
        partial = rng.choice([1.0, 1.0, 0.5]) if d % 4 == 0 else 1.0
        parameters = rope(rng, family, int(d * partial), context)
        original = parameters.pop("original_max_position_embeddings", context)
        parameters["partial_rotary_factor"] = partial
        return tf.Phi3Config(**s, **common, original_max_position_embeddings=original, rope_parameters=parameters,
                             tie_word_embeddings=tied, sliding_window=rng.choice([None, window]))
    parameters = rope(rng, family, d, context)
    if family == "llama":
        return tf.LlamaConfig(**s, **common, head_dim=d, rope_parameters=parameters, tie_word_embeddings=tied,
                              attention_bias=rng.random() < 0.3, mlp_bias=rng.random() < 0.3)
    if family == "qwen2":
        return tf.Qwen2Config(**s, **common, rope_parameters=parameters, tie_word_embeddings=tied,
                              use_sliding_window=rng.random() < 0.5, sliding_window=window, max_window_layers=1)
    if family == "qwen3":
        return tf.Qwen3Config(**s, **common, head_dim=d, rope_parameters=parameters, tie_word_embeddings=tied,
                              attention_bias=rng.random() < 0.3, use_sliding_window=rng.random() < 0.5,
                              sliding_window=window, max_window_layers=1)
    if family == "mistral":
        return tf.MistralConfig(**s, **common, head_dim=d, rope_parameters=parameters, tie_word_embeddings=tied,
                                sliding_window=rng.choice([None, window]))
    if family == "gemma2":
        return tf.Gemma2Config(**s, **common, head_dim=d, rope_parameters=parameters, sliding_window=window,
                               query_pre_attn_scalar=rng.choice([d, 256]))
    if family == "gemma3":
        nested = {"full_attention": parameters, "sliding_attention": {"rope_type": "default", "rope_theta": 1000.0}}
        if parameters["rope_type"] == "yarn":  # transformers reads `truncate` of the outer dictionary only
            nested["full_attention"] = {"rope_type": "linear", "factor": 8.0, "rope_theta": 10000.0}
        return tf.Gemma3TextConfig(**s, **common, head_dim=d, rope_parameters=nested, sliding_window=window,
                                   query_pre_attn_scalar=rng.choice([d, 256]), sliding_window_pattern=rng.choice([2, 3, 6]))
    if family == "smollm3":
        return tf.SmolLM3Config(**s, **common, rope_parameters=parameters, tie_word_embeddings=tied,
                                attention_bias=rng.random() < 0.3, mlp_bias=rng.random() < 0.3,
                                no_rope_layer_interval=rng.choice([2, 4]), use_sliding_window=rng.random() < 0.3,
                                sliding_window=window)
    return tf.Olmo2Config(**s, **common, rope_parameters=parameters, tie_word_embeddings=tied,
                          attention_bias=rng.random() < 0.3)


def old_form(directory):
    """Rewrites config.json as older transformers wrote it: rope_theta, rope_scaling, torch_dtype."""
    path = directory / "config.json"
    c = json.loads(path.read_text())
    parameters = c.pop("rope_parameters", None)
    if parameters is not None and "full_attention" in parameters:
        c["rope_theta"] = parameters["full_attention"].pop("rope_theta")
        c["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        parameters = parameters["full_attention"]
    if parameters is not None:
        theta = parameters.pop("rope_theta", None)
        if theta is not None:
            c["rope_theta"] = theta
        if "partial_rotary_factor" in parameters:
            c["partial_rotary_factor"] = parameters.pop("partial_rotary_factor")
        kind = parameters.pop("rope_type")
        c["rope_scaling"] = None if kind == "default" else {"type": kind, **parameters}
    if "dtype" in c:
        c["torch_dtype"] = c.pop("dtype")
    path.write_text(json.dumps(c, indent=2))


def make(directory, family, seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    c = config(rng, family)
    tokens = rng.choice([40, 64]) if family != "phi3" else rng.choice([14, 64])
    c._attn_implementation = "eager"
    model = tf.AutoModelForCausalLM.from_config(c, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1:
                p.normal_(0, 0.7 / p.shape[-1] ** 0.5 if "embed" not in name and "wte" not in name else 0.5)
            elif "bias" in name:
                p.normal_(0, 0.2)
            else:
                p.add_(torch.randn_like(p) * 0.2)
    ids = torch.randint(3, c.vocab_size, (1, tokens))
    with torch.no_grad():
        logits = model(ids).logits[0].float()
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory, max_shard_size="20KB" if rng.random() < 0.3 else "1GB")
    (directory / "generation_config.json").unlink(missing_ok=True)
    if rng.random() < 0.4:
        old_form(directory)
    write_golden(directory, ids[0], logits)


def write_golden(directory, ids, logits):
    half = tf.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16, attn_implementation="eager").eval()
    with torch.no_grad():
        error = half(ids.long()[None]).logits[0].float() - logits
    safetensors.torch.save_file({"input_ids": ids.to(torch.int32), "logits": logits.contiguous(),
                                 "bf16_error": torch.stack([error.abs().max(), error.pow(2).mean().sqrt()])}, directory / "golden.safetensors")


COMMITTED = [("llama", 3), ("llama", 12), ("llama", 26), ("qwen2", 1), ("qwen3", 2), ("mistral", 3), ("gemma2", 4),
             ("gemma3", 5), ("phi3", 6), ("smollm3", 7), ("olmo2", 8), ("gpt2", 14)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--family", choices=FAMILIES)
    parser.add_argument("--refresh", action="store_true", help="only measure transformers' bfloat16 anew, for the cases that OUT has")
    parser.add_argument("--committed", action="store_true", help="the dozen cases of the repository")
    arguments = parser.parse_args()
    tf.logging.set_verbosity_error()
    torch.set_num_threads(1)
    if arguments.refresh:
        for directory in sorted(arguments.out.iterdir()):
            golden = safetensors.torch.load_file(directory / "golden.safetensors")
            write_golden(directory, golden["input_ids"], golden["logits"])
        return
    cases = COMMITTED if arguments.committed else [
        (arguments.family or FAMILIES[i % len(FAMILIES)], arguments.seed + i) for i in range(arguments.count)]
    arguments.out.mkdir(parents=True, exist_ok=True)
    for family, seed in cases:
        try:
            make(arguments.out / f"{family}_{seed}", family, seed)
        except Exception as error:  # a configuration transformers itself refuses
            print(f"{family}_{seed}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
