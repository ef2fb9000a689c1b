"""The engine tests' own model: a random little Llama with a byte tokenizer, a chat template and PEFT adapters.

    python tests/oracle/model/make_tiny.py tests/golden/engine

Writes base/ (a checkpoint), adapters/<name>/ (as PEFT saves them) and golden.safetensors: `input_ids` [T],
`base` and `<adapter>` [T, V] fp32 logits of PEFT's unmerged forward, and `<name>.bf16_error` [1] as in
make_goldens.py.
"""
import pathlib
import shutil
import sys

import peft
import safetensors.torch
import tokenizers
import torch
import transformers as tf

SPECIAL = ["<|pad|>", "<|bos|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = ("{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAPTERS = {
    "small": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]),
    "wide": dict(r=8, lora_alpha=16, target_modules=ALL, use_rslora=True, rank_pattern={"down_proj": 20},
                 alpha_pattern={"down_proj": 5}),
    "dora": dict(r=3, lora_alpha=6, target_modules=ALL, use_dora=True),
    "biased": dict(r=5, lora_alpha=5, target_modules=["up_proj", "o_proj"], lora_bias=True),
    "one_layer": dict(r=2, lora_alpha=4, target_modules=ALL, layers_to_transform=[1]),
    "zero": dict(r=4, lora_alpha=8, target_modules=["q_proj"]),
    "saved": dict(r=2, lora_alpha=4, target_modules=["v_proj"], modules_to_save=["lm_head", "o_proj", "model.norm"]),
    "tokens": dict(r=2, lora_alpha=4, target_modules=["q_proj"], trainable_token_indices=[40, 72, 2, 104]),
}


def tokenizer(directory):
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(SPECIAL + alphabet + ["Ġt", "he", "Ġthe", "1 "])}
    t = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[("Ġ", "t"), ("h", "e"), ("Ġt", "he")]))
    t.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    t.decoder = tokenizers.decoders.ByteLevel()
    t.add_special_tokens(SPECIAL)
    t.post_processor = tokenizers.processors.TemplateProcessing(single="<|bos|> $A", special_tokens=[("<|bos|>", 1)])
    fast = tf.PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<|bos|>", eos_token="<|im_end|>", pad_token="<|pad|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(directory)
    return len(vocabulary)


def main():
    out = pathlib.Path(sys.argv[1])
    torch.manual_seed(7)
    torch.set_num_threads(1)
    shutil.rmtree(out, ignore_errors=True)
    base = out / "base"
    size = tokenizer(base)
    config = tf.LlamaConfig(vocab_size=size, hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6,
                            num_key_value_heads=2, head_dim=12, max_position_embeddings=256, tie_word_embeddings=True,
                            bos_token_id=1, eos_token_id=3, pad_token_id=0)
    model = tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() > 1:
                p.normal_(0, 0.3 if "embed" in name else 1.0 / p.shape[-1] ** 0.5)
            else:
                p.add_(torch.randn_like(p) * 0.1)
    model.generation_config = tf.GenerationConfig(eos_token_id=[3], bos_token_id=1)
    model.save_pretrained(base)
    ids = torch.randint(4, size, (1, 90))
    golden = {"input_ids": ids[0].to(torch.int32)}

    def measure(name, adapter=None):
        def load(dtype):
            m = tf.AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation="eager")
            return (peft.PeftModel.from_pretrained(m, adapter) if adapter else m).eval()
        with torch.no_grad():
            logits = load(torch.float32)(ids).logits[0]
            half = load(torch.bfloat16)(ids).logits[0].float()
        golden[name] = logits.contiguous()
        golden[name + ".bf16_error"] = (half - logits).abs().max().reshape(1)

    measure("base")
    for name, keys in ADAPTERS.items():
        fresh = tf.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        wrapped = peft.get_peft_model(fresh, peft.LoraConfig(task_type="CAUSAL_LM", **keys))
        if name != "zero":
            with torch.no_grad():
                for key, p in wrapped.named_parameters():
                    if "lora_B" in key:
                        p.normal_(0, 0.2)
                    if "magnitude" in key:
                        p.mul_(1 + 0.2 * torch.rand_like(p))
                    if ".modules_to_save." in key or "trainable_tokens_delta" in key:
                        p.add_(torch.randn_like(p) * 0.2)
        wrapped.save_pretrained(out / "adapters" / name)
        (out / "adapters" / name / "README.md").unlink(missing_ok=True)
        if name != "zero":
            measure(name, out / "adapters" / name)
    safetensors.torch.save_file(golden, out / "golden.safetensors")


if __name__ == "__main__":
    main()
