"""Trains the demo's base and its adapters. `train.py base | instruct | arithmetic | format | wrong-base`.

The base is trained with fp32 master weights under bf16 autocast and saved in bf16; adapters are trained on that saved base.
Everything is seeded; on another machine or another number of threads the numbers differ in their last bits all the same.
"""

import argparse
import itertools
import math
import os
import pathlib
import shutil
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
import transformers
from tokenizers import Tokenizer

import mixtures
import suites
import tokenizer as demo_tokenizer

DEMO = pathlib.Path(__file__).resolve().parent.parent
BASE = DEMO / "models" / "plumb-tiny"
ADAPTERS = DEMO / "adapters"
SEEDS = {"base": 11, "instruct": 12, "arithmetic": 13, "format": 14, "wrong-base": 15, "tokenizer": 16}
BATCH_TOKENS = 1024  # real and padding tokens in one step
POOL = 4096          # samples that are sorted by length together, so that a batch holds little padding

ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# Three ways to say which modules and how strongly: rsLoRA, rank and alpha patterns, a regex.
LORA = {
    "instruct": dict(r=8, lora_alpha=8, use_rslora=True, target_modules=ALL_LINEAR),
    "arithmetic": dict(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"],
                       rank_pattern={"mlp.down_proj": 16, r"layers\.[01]\.self_attn\.q_proj": 12},
                       alpha_pattern={"mlp.down_proj": 24, "self_attn.o_proj": 8}),
    "format": dict(r=16, lora_alpha=32,
                   target_modules=r"model\.layers\.\d+\.(self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj)"),
}


def config(hidden: int, layers: int) -> transformers.LlamaConfig:
    return transformers.LlamaConfig(
        vocab_size=demo_tokenizer.VOCABULARY, hidden_size=hidden, intermediate_size=hidden * 8 // 3 // 32 * 32,
        num_hidden_layers=layers, num_attention_heads=hidden // 32, num_key_value_heads=2, head_dim=32,
        max_position_embeddings=1024, rope_theta=10000.0, rms_norm_eps=1e-5, tie_word_embeddings=True,
        pad_token_id=0, bos_token_id=1, eos_token_id=4,
        attn_implementation="eager")  # for sequences this short faster to train than SDPA on CPU


def encode(tokenizer, sample: mixtures.Sample) -> tuple[list[int], list[float]]:
    """Token ids and the weight of the loss on each. Parts are cut at special tokens, so they encode independently."""
    ids, weights = [], []
    for text, weight in sample:
        part = tokenizer.encode(text, add_special_tokens=False).ids
        ids += part
        weights += [weight] * len(part)
    return ids, weights


def batches(tokenizer, samples, seed: int):
    """Right-padded (ids, weights) tensors of at most BATCH_TOKENS, of samples of like length. Endless."""
    order = torch.Generator().manual_seed(seed)
    while True:
        pool = sorted((encode(tokenizer, s) for s in itertools.islice(samples, POOL)), key=lambda p: len(p[0]))
        groups, group = [], []
        for p in pool:
            if group and len(p[0]) * (len(group) + 1) > BATCH_TOKENS:
                groups.append(group)
                group = []
            group.append(p)
        for i in torch.randperm(len(groups), generator=order).tolist():  # the last, incomplete group is dropped
            width = len(groups[i][-1][0])
            yield (torch.tensor([p[0] + [0] * (width - len(p[0])) for p in groups[i]]),
                   torch.tensor([p[1] + [0.0] * (width - len(p[1])) for p in groups[i]]))


def fit(model, stream, steps: int, lr: float, minutes: float, name: str) -> None:
    """AdamW, a warm-up of 5 % and a cosine to a twentieth of `lr`; the cosine ends after `steps` or `minutes`."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.05},
                                   {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0}],
                                  lr=lr, betas=(0.9, 0.95))
    causal = model.get_base_model() if isinstance(model, peft.PeftModel) else model
    model.train()
    begin, tokens, shown = time.time(), 0, 0.0
    for step in range(1, steps + 1):
        done = max(step / steps, (time.time() - begin) / (60 * minutes))
        if done > 1:
            print(f"{name}: out of time at step {step}", flush=True)
            break
        ids, weights = next(stream)
        tokens += int((ids != 0).sum())
        # Padding is on the right and attention is causal: no real token ever sees it, so there is no mask.
        w = weights[:, 1:]
        learnt = w > 0
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = causal.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
            logits = causal.lm_head(hidden[learnt])
        loss = torch.nn.functional.cross_entropy(logits.float(), ids[:, 1:][learnt], reduction="none")
        loss = (loss * w[learnt]).sum() / w.sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, done / 0.05) * (0.05 + 0.475 * (1 + math.cos(math.pi * done)))
        optimizer.step()
        shown = loss.item() if step == 1 else 0.95 * shown + 0.05 * loss.item()
        if step % 50 == 0 or step == steps:
            print(f"{name}: step {step}/{steps} loss {shown:.3f} {tokens / 1e6:.2f}M tokens "
                  f"{tokens / (time.time() - begin):.0f} tokens/s", flush=True)
    model.eval()


def train_base(steps: int, lr: float, minutes: float, start: str | None, world: mixtures.World) -> None:
    model = transformers.LlamaForCausalLM(config(192, 6))
    if start:
        tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
        model.load_state_dict(torch.load(start, weights_only=True))
    else:
        shutil.rmtree(BASE, ignore_errors=True)
        tokenizer = demo_tokenizer.train(mixtures.World(SEEDS["tokenizer"], suites.held_out()), 3000)
        demo_tokenizer.save(tokenizer, BASE)
    print(f"base: {sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    fit(model, batches(tokenizer, mixtures.base(world), SEEDS["base"]), steps, lr, minutes, "base")
    model.generation_config = transformers.GenerationConfig(
        bos_token_id=1, eos_token_id=[4, 2], pad_token_id=0, do_sample=False)
    model.to(torch.bfloat16).save_pretrained(BASE)
    (BASE / "model.safetensors").chmod(0o644)


def save_adapter(model: peft.PeftModel, name: str) -> None:
    directory = ADAPTERS / name
    shutil.rmtree(directory, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = BASE.name
    model.save_pretrained(directory, save_embedding_layers=False)
    (directory / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    (directory / "adapter_model.safetensors").chmod(0o644)


def train_adapter(name: str, steps: int, lr: float, minutes: float, world: mixtures.World) -> None:
    tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
    model = transformers.LlamaForCausalLM.from_pretrained(BASE, dtype=torch.float32, attn_implementation="eager")
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **LORA[name]))
    fit(model, batches(tokenizer, mixtures.MIXTURES[name](world), SEEDS[name]), steps, lr, minutes, name)
    save_adapter(model, name)


def make_wrong_base() -> None:
    """An adapter for a base of hidden size 256: well formed, and of no use to plumb-tiny."""
    model = transformers.LlamaForCausalLM(config(256, 2))
    save_adapter(peft.get_peft_model(model, peft.LoraConfig(
        task_type="CAUSAL_LM", r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], init_lora_weights=False)),
        "wrong-base")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["base", *LORA, "wrong-base"])
    parser.add_argument("--steps", type=int, help="optimizer steps of about 900 tokens (base 7000, adapters 600)")
    parser.add_argument("--lr", type=float, help="peak learning rate (base 3e-3, adapters 2e-3)")
    parser.add_argument("--minutes", type=float, default=60, help="end the schedule after this time (default 60)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--start", help="base only: go on from this state_dict, with the tokenizer that is there")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEEDS[args.model])
    world = mixtures.World(SEEDS[args.model] + (100 if args.start else 0), suites.held_out())
    if args.model == "base":
        train_base(args.steps or 7000, args.lr or 3e-3, args.minutes, args.start, world)
    elif args.model == "wrong-base":
        make_wrong_base()
    else:
        train_adapter(args.model, args.steps or 600, args.lr or 2e-3, args.minutes, world)


if __name__ == "__main__":
    main()
