#!/usr/bin/env python3
"""Makes the checkpoint and adapters that the speed benchmarks run on: the shape of Qwen2.5-0.5B with random weights.

  make_half_billion.py OUT_DIR [--adapters 8] [--dtype bfloat16]

OUT_DIR/model: config.json, model.safetensors, and the demo model's tokenizer (its ids are in range; texts mean nothing).
OUT_DIR/adapter-N: LoRA of rank 16 on every linear, written by PEFT. Speed depends on shapes, not on values; the values are small
enough that nothing overflows. Runs in the oracle environment (tests/oracle/setup.sh).
"""
import argparse
import os
import shutil

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOKENIZER = os.path.join(ROOT, "deploy/demo/models/plumb-tiny")
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--adapters", type=int, default=8)
    parser.add_argument("--dtype", default="bfloat16")
    args = parser.parse_args()
    torch.manual_seed(0)
    config = Qwen2Config(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2,
                         max_position_embeddings=32768, rope_theta=1000000.0, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False,
                         dtype=args.dtype)
    model = Qwen2ForCausalLM(config).to(getattr(torch, args.dtype))
    folder = os.path.join(args.out, "model")
    model.save_pretrained(folder)
    for name in os.listdir(TOKENIZER):
        if "token" in name or name.endswith(".jinja") or name == "generation_config.json":
            shutil.copy(os.path.join(TOKENIZER, name), folder)
    for number in range(args.adapters):
        torch.manual_seed(number + 1)
        peft = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=LINEARS, task_type="CAUSAL_LM"))
        for parameter_name, parameter in peft.named_parameters():
            if "lora_A" in parameter_name:  # in fp32, as training leaves it: PEFT draws it in the base's dtype
                torch.nn.init.normal_(parameter, std=0.02)
            if "lora_B" in parameter_name:
                torch.nn.init.normal_(parameter, std=0.01)
        peft.save_pretrained(os.path.join(args.out, f"adapter-{number}"))
        model = peft.unload()


if __name__ == "__main__":
    main()
