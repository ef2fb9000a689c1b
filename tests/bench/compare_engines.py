#!/usr/bin/env python3
"""Prefill and decoding by Plumbline's engine, transformers (+ PEFT) and llama.cpp: one model, the same cores, in turn.

  scripts/bench engines [--model DIR] [--dtypes bfloat16,float32] [--rounds 3] [--seconds 2]

DIR is what make_half_billion.py writes (made when absent). Every engine is a process of its own that has the model loaded and
waits; each case is then measured by one engine after the other, `rounds` times, so that the machine's moods hit all of them.
Figures are medians over the rounds, tokens/s. Decoding starts at 128 tokens of context. LoRA: rank 16 on every linear; "mixed": as
many adapters as the case says, in one batch (llama.cpp can't). Logits of the last token only, by all.
"""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTEXT, PREFILL = 128, 512
# (name, what, width, adapters)
CASES = [("prefill 512", "prefill", 1, 0), ("prefill 512, LoRA", "prefill", 1, 1),
         ("decode, batch 1", "decode", 1, 0), ("decode, batch 1, LoRA", "decode", 1, 1),
         ("decode, batch 8", "decode", 8, 0), ("decode, batch 8, LoRA", "decode", 8, 1), ("decode, batch 8, 4 mixed", "decode", 8, 4),
         ("decode, batch 32", "decode", 32, 0), ("decode, batch 32, 8 mixed", "decode", 32, 8)]


def repeat(step, tokens, seconds):
    """Tokens/s of the median step."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 2 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return tokens / statistics.median(times)


def hugging_face(folder, dtype, threads):
    """A function (what, width, adapters, seconds) -> tokens/s."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, DynamicCache
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    base = AutoModelForCausalLM.from_pretrained(f"{folder}/model", dtype=getattr(torch, dtype)).eval()
    peft = None

    def measure(what, width, adapters, seconds):
        nonlocal peft
        model, extra = base, {}
        if adapters:
            if peft is None:
                peft = PeftModel.from_pretrained(base, f"{folder}/adapter-0", adapter_name="a0").eval()
                for number in range(1, 8):
                    peft.load_adapter(f"{folder}/adapter-{number}", adapter_name=f"a{number}")
                peft.set_adapter("a0")
            model = peft
            if adapters > 1:
                extra = {"adapter_names": [f"a{row * adapters // width}" for row in range(width)]}
        elif peft is not None:
            raise RuntimeError("base cases come first")
        if what == "prefill":
            ids = torch.full((width, PREFILL), 7)
            return repeat(lambda: model(input_ids=ids, logits_to_keep=1, **extra), width * PREFILL, seconds)
        cache = DynamicCache()
        base(input_ids=torch.full((1, CONTEXT), 7), past_key_values=cache, logits_to_keep=1)
        cache.batch_repeat_interleave(width)
        ids = torch.full((width, 1), 7)

        def step():
            model(input_ids=ids, past_key_values=cache, **extra)
            cache.crop(-1)
        return repeat(step, width, seconds)
    return measure


def tensors_of(path):
    """(name, array) of a safetensors file; bfloat16 as uint16."""
    import numpy
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    for name, info in header.items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            dtype = {"F32": numpy.float32, "BF16": numpy.uint16}[info["dtype"]]
            yield name, numpy.fromfile(path, dtype, (end - begin) // numpy.dtype(dtype).itemsize, offset=8 + size + begin).reshape(info["shape"])


def floats(tensor):
    import numpy
    return (tensor.astype(numpy.uint32) << 16).view(numpy.float32) if tensor.dtype == numpy.uint16 else tensor


def write_gguf(folder, dtype):
    """The model and adapter-0 in llama.cpp's format; their paths."""
    import gguf
    import numpy
    from gguf.constants import GGMLQuantizationType
    model_path, lora_path = f"{folder}/model-{dtype}.gguf", f"{folder}/adapter-0.gguf"
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
             "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
             "post_attention_layernorm": "ffn_norm"}

    def renamed(name):
        module, parameter = name.rsplit(".", 1)
        if module.startswith("model.layers."):
            _, _, layer, rest = module.split(".", 3)
            return f"blk.{layer}.{names[rest]}.{parameter}"
        return f"{names[module]}.{parameter}"

    with open(f"{folder}/model/config.json", encoding="utf-8") as file:
        config = json.load(file)
    if not os.path.exists(model_path):
        w = gguf.GGUFWriter(model_path + ".part", "qwen2")
        w.add_context_length(config["max_position_embeddings"])
        w.add_embedding_length(config["hidden_size"])
        w.add_block_count(config["num_hidden_layers"])
        w.add_feed_forward_length(config["intermediate_size"])
        w.add_head_count(config["num_attention_heads"])
        w.add_head_count_kv(config["num_key_value_heads"])
        w.add_layer_norm_rms_eps(config["rms_norm_eps"])
        w.add_rope_freq_base(1000000.0)
        w.add_vocab_size(config["vocab_size"])
        w.add_tokenizer_model("no_vocab")
        for name, tensor in tensors_of(f"{folder}/model/model.safetensors"):
            if tensor.dtype == numpy.uint16 and tensor.ndim == 2 and dtype == "bfloat16":
                w.add_tensor(renamed(name), tensor.view(numpy.uint8), raw_dtype=GGMLQuantizationType.BF16)
            else:
                w.add_tensor(renamed(name), floats(tensor))
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        os.rename(model_path + ".part", model_path)
    if not os.path.exists(lora_path):
        w = gguf.GGUFWriter(lora_path, "qwen2")
        w.add_string("general.type", "adapter")
        w.add_string("adapter.type", "lora")
        w.add_float32("adapter.lora.alpha", 32.0)
        for name, tensor in tensors_of(f"{folder}/adapter-0/adapter_model.safetensors"):
            module, half = name.removeprefix("base_model.model.").removesuffix(".weight").rsplit(".", 1)  # "model.layers.0.mlp.up_proj", "lora_A"
            w.add_tensor(renamed(f"{module}.weight") + "." + half.lower(), floats(tensor))
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
    return model_path, lora_path


def llama_cpp(folder, dtype, threads):
    import ctypes

    import llama_cpp as ll
    ll.llama_backend_init()
    model_path, lora_path = write_gguf(folder, dtype)
    params = ll.llama_model_default_params()
    model = ll.llama_model_load_from_file(model_path.encode(), params)
    lora = ll.llama_adapter_lora_init(model, lora_path.encode())
    if not model or not lora:
        raise RuntimeError("llama.cpp does not load the model or the adapter")

    def measure(what, width, adapters, seconds):
        context_params = ll.llama_context_default_params()
        context_params.n_ctx = max(width, 1) * 256 + 1024
        context_params.n_batch = context_params.n_ubatch = PREFILL
        context_params.n_seq_max = width
        context_params.n_threads = context_params.n_threads_batch = threads
        context_params.kv_unified = True
        context_params.type_k = context_params.type_v = {"bfloat16": 30, "float32": 0}[dtype]  # GGML_TYPE_BF16, GGML_TYPE_F32
        context = ll.llama_init_from_model(model, context_params)
        if adapters:
            array, scale = (ll.llama_adapter_lora_p_ctypes * 1)(lora), (ctypes.c_float * 1)(1.0)
            if hasattr(ll, "llama_set_adapters_lora"):
                ll.llama_set_adapters_lora(context, array, 1, scale)
            else:
                ll.llama_set_adapter_lora(context, lora, 1.0)
        memory = ll.llama_get_memory(context)

        def decode(rows, outputs):
            """rows: (token's position, sequence)."""
            batch = ll.llama_batch_init(len(rows), 0, 1)
            batch.n_tokens = len(rows)
            for i, (position, sequence) in enumerate(rows):
                batch.token[i] = 7
                batch.pos[i] = position
                batch.n_seq_id[i] = 1
                batch.seq_id[i][0] = sequence
                batch.logits[i] = i in outputs
            code = ll.llama_decode(context, batch)
            ll.llama_synchronize(context)
            ll.llama_batch_free(batch)
            if code:
                raise RuntimeError(f"llama_decode: {code}")

        if what == "prefill":
            rows = [(i, 0) for i in range(PREFILL)]

            def step():
                ll.llama_memory_clear(memory, False)
                decode(rows, {PREFILL - 1})
            rate = repeat(step, PREFILL, seconds)
        else:
            decode([(i, 0) for i in range(CONTEXT)], {CONTEXT - 1})
            for sequence in range(1, width):
                ll.llama_memory_seq_cp(memory, 0, sequence, -1, -1)
            rows = [(CONTEXT, sequence) for sequence in range(width)]

            def step():
                decode(rows, set(range(width)))
                for sequence in range(width):
                    ll.llama_memory_seq_rm(memory, sequence, CONTEXT, -1)
            rate = repeat(step, width, seconds)
        ll.llama_free(context)
        return rate
    return measure


def serve(engine, folder, dtype, threads):
    measure = {"hf": hugging_face, "llama": llama_cpp}[engine](folder, dtype, threads)
    print("ready", flush=True)
    for line in sys.stdin:
        what, width, adapters, seconds = line.split()
        print(f"{measure(what, int(width), int(adapters), float(seconds)):.2f}", flush=True)


class Engine:
    def __init__(self, name, command, environment):
        self.name = name
        self.log = tempfile.NamedTemporaryFile("w+", encoding="utf-8")  # llama.cpp is talkative
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line:
            with open(self.log.name, encoding="utf-8") as log:
                sys.exit(f"{self.name} ended without an answer:\n{log.read()[-3000:]}")
        return line

    def measure(self, what, width, adapters, seconds):
        self.process.stdin.write(f"{what} {width} {adapters} {seconds}\n")
        self.process.stdin.flush()
        return float(self.answer())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=os.path.expanduser("~/.cache/plumbline/bench/half"))
    parser.add_argument("--dtypes", default="bfloat16,float32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--engine-bench", default=f"{ROOT}/build/release/bench/engine_bench")
    parser.add_argument("--oracle-python", default=os.path.expanduser("~/.cache/plumbline/oracle/bin/python"))
    parser.add_argument("--llama-python", default=os.path.expanduser("~/.cache/plumbline/llama/bin/python"))
    parser.add_argument("--serve", nargs=2, metavar=("ENGINE", "DTYPE"), help="for this script's own use")
    args = parser.parse_args()
    if args.serve:
        return serve(args.serve[0], args.model, args.serve[1], args.threads)
    if not os.path.exists(f"{args.model}/model/config.json"):
        subprocess.run([args.oracle_python, "-W", "ignore", f"{ROOT}/tests/bench/make_half_billion.py", args.model], check=True)
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), OMP_WAIT_POLICY="passive", HF_HUB_OFFLINE="1")
    adapters = [f"{args.model}/adapter-{number}" for number in range(8)]
    for dtype in args.dtypes.split(","):
        child = [os.path.abspath(__file__), "--model", args.model, "--threads", str(args.threads), "--serve"]
        engines = [Engine("Plumbline", [args.engine_bench, args.model + "/model", "--dtype", dtype, "--serve", *adapters], environment),
                   Engine("HF + PEFT", [args.oracle_python, "-W", "ignore", *child, "hf", dtype], environment),
                   Engine("llama.cpp", [args.llama_python, "-W", "ignore", *child, "llama", dtype], environment)]
        for engine in engines[1:]:
            assert engine.answer() == "ready"
        rates = {}
        print(f"\n{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {dtype}, {args.threads} threads, {args.rounds} rounds, load {os.getloadavg()[0]:.1f}\n", flush=True)
        # Base cases first: PEFT changes the model it wraps.
        for name, what, width, count in sorted(CASES, key=lambda case: case[3] > 0):
            for _ in range(args.rounds):
                for engine in engines:
                    if engine.name == "llama.cpp" and count > 1:
                        continue
                    rates.setdefault((name, engine.name), []).append(engine.measure(what, width, count, args.seconds))
        for engine in engines:
            engine.close()
        print(f"| {dtype} | Plumbline | HF + PEFT | llama.cpp | against HF | against llama.cpp |\n|---|---|---|---|---|---|")
        for name, _, _, _ in CASES:
            ours, theirs, llama = (statistics.median(rates[name, engine.name]) if (name, engine.name) in rates else None for engine in engines)
            print(f"| {name} | {ours:.1f} | {theirs:.1f} | {f'{llama:.1f}' if llama else 'cannot'} | {ours / theirs:.2f}x | {f'{ours / llama:.2f}x' if llama else '-'} |")


if __name__ == "__main__":
    main()
