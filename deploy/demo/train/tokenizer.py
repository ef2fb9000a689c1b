"""Trains the demo's byte-level BPE on its own text and writes a Hugging Face tokenizer directory."""

import itertools
import json
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import mixtures

VOCABULARY = 1536
SPECIAL = [mixtures.PAD, mixtures.BOS, mixtures.EOS, mixtures.IM_START, mixtures.IM_END]  # ids 0..4
CHAT_TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' + (message['content'] | trim) + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def train(world: mixtures.World, samples: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    # Digits one by one, so that a sum is a matter of columns; the rest as GPT-2 splits it.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    texts = ["".join(t for t, _ in s) for m in mixtures.MIXTURES.values() for s in itertools.islice(m(world), samples)]
    for token in SPECIAL:
        texts = [t.replace(token, "\n") for t in texts]
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[AddedToken(t, special=True, normalized=False) for t in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    # Plain text gets a BOS; the chat template writes its own, and chat text is encoded without special tokens.
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single=f"{mixtures.BOS} $A", pair=f"{mixtures.BOS} $A {mixtures.BOS} $B",
                                      special_tokens=[(mixtures.BOS, 1)])])
    return tokenizer


def save(tokenizer: Tokenizer, directory: pathlib.Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    (directory / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1024, "clean_up_tokenization_spaces": False,
        "bos_token": mixtures.BOS, "eos_token": mixtures.IM_END, "pad_token": mixtures.PAD,
        "additional_special_tokens": [mixtures.IM_START, mixtures.EOS],
    }, indent=2) + "\n")
