"""Trains the four small tokenizers of tests/text/golden/tokenizers and writes what PyPI's `tokenizers` makes of our texts.

Usage: python make_tokenizers.py tests/text/golden/tokenizers   (in the oracle's Python)

The kinds: GPT-2's byte level, Llama-3's and Qwen's byte level (a regular expression splits), Llama-2's byte fallback, and
Unigram with metaspace (T5). Everything is trained on the sentences below, so nothing of anybody else's is inside.
"""
import json
import os
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = """The river bends twice before it reaches the mill, and the miller counts both bends when he sells the flour.
In 1987 there were 12 bridges; today there are 345, and nobody's painted any of them since.
I'm sure you're right, but they've told us it'll rain, so don't forget what's in the cellar.
def add(a, b):\n    return a + b\n\nprint(add(1, 2))  # 3
Größere Brücken, naïve façades, señor Núñez, Škoda, привет мир, こんにちは世界, 你好，世界。 한국어 문장, مرحبا, नमस्ते 🎉👩‍👩‍👧🇩🇪
   indented\t\ttabs  and   runs    of     spaces \n\n\n new lines \r\n carriage""".split("|")
TEXTS = CORPUS + ["", " ", "  ", "\n", "a", " a", "a ", "The", "don't DON'T", "12345678", "\u00a0\u2003\u3000", "é e\u0301", "ﬁ", "🎉", "𝔘𝔫𝔦",
                  "\x00\x01", "\ufffd", "x" * 50, " " * 40 + "x", "<s>in the text</s>", "<|special|> and <|plain|> here", "▁▁ under ▁",
                  "Ġ is a letter too", "<0x41><0xE4>", "سلام\u200dدنیا", "a\u0300\u0301\u0302", "ı İ ß ẞ", "𓀀𓀁"]


def special_tokens():
    return [AddedToken(t, special=True, normalized=False) for t in ("<s>", "</s>", "<pad>", "<|special|>")]


def finish(tokenizer):
    tokenizer.add_tokens([AddedToken("<|plain|>", special=False, normalized=False)])
    bos = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", bos)])
    # The product must switch these off.
    tokenizer.enable_padding(length=64, pad_token="<pad>")
    tokenizer.enable_truncation(8)
    return tokenizer


def gpt2():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special_tokens(), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    return finish(tokenizer)


def llama3():
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special_tokens(), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    return finish(tokenizer)


def llama2():
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=["<unk>", *special_tokens(), *bytes_], show_progress=False,
                                  limit_alphabet=60)
    tokenizer.train_from_iterator([CORPUS[0][:420]], trainer)
    state = json.loads(tokenizer.to_str())
    # The byte pieces belong to the model, not to the added tokens.
    state["added_tokens"] = [t for t in state["added_tokens"] if t["content"] not in bytes_]
    return finish(Tokenizer.from_str(json.dumps(state)))


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=180, special_tokens=["<unk>", *special_tokens()], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return finish(tokenizer)


def id_sequences(tokenizer):
    """Sequences no text encodes to: half characters, specials anywhere."""
    choose = random.Random(3)
    size = tokenizer.get_vocab_size()
    return [[choose.randrange(size) for _ in range(choose.randint(1, 20))] for _ in range(60)]


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for make in (gpt2, llama3, llama2, unigram):
        tokenizer = make()
        name = os.path.join(folder, make.__name__)
        with open(name + ".tokenizer.json", "w") as file:
            file.write(tokenizer.to_str() + "\n")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        rows = [{"text": t, "ids": tokenizer.encode(t, add_special_tokens=False).ids, "ids_special": tokenizer.encode(t).ids} for t in TEXTS]
        decoded = [{"ids": ids, "text": tokenizer.decode(ids, skip_special_tokens=False),
                    "text_skip": tokenizer.decode(ids, skip_special_tokens=True)}
                   for ids in [row["ids_special"] for row in rows] + id_sequences(tokenizer)]
        with open(name + ".golden.json", "w") as file:
            json.dump({"encoded": rows, "decoded": decoded}, file, ensure_ascii=False, separators=(",", ":"))
            file.write("\n")


if __name__ == "__main__":
    main()
