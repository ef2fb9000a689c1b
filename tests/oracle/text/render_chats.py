"""Renders chat templates as transformers' apply_chat_template(tokenize=False) does.

Standard input: {"sources": {name: template}, "conversations": [{"messages", "variables"?}], "tokens": {...}}.
Standard output: {name: [[text without, text with generation prompt] for each conversation]}; null where it raises.
The date is 24 Nov 2026, noon.
"""
import datetime
import json
import sys

from transformers.utils import chat_template_utils


class Noon(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 24, 12, 0, 0)


chat_template_utils.datetime = Noon


def render(source, conversation, tokens, add_generation_prompt):
    variables = {**tokens, **conversation.get("variables", {})}
    tools = variables.pop("tools", None)
    try:
        messages = chat_template_utils._normalize_chat_messages(conversation["messages"])
        return chat_template_utils.render_jinja_template(
            [messages], tools=tools, chat_template=source, add_generation_prompt=add_generation_prompt, **variables)[0][0]
    except Exception:
        return None


request = json.load(sys.stdin)
json.dump({name: [[render(source, conversation, request["tokens"], prompt) for prompt in (False, True)]
                  for conversation in request["conversations"]] for name, source in request["sources"].items()},
          sys.stdout, ensure_ascii=False, indent=0)
print()
