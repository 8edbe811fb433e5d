"""A minimal tool-calling loop. Used in the tutorial, chapter 4.

The system prompt is a template; `{persona}` and `{rules}` are filled in from the configuration.  Nothing that comes back from a
tool is ever put into the system role.
"""
from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from typing import Any, Callable

log = logging.getLogger(__name__)

SYSTEM_TEMPLATE = """You are {persona}.
Follow these rules:
{rules}
If a tool fails, say so. Never invent a tool result.
"""

# Ignore SSL warnings in the test environment only.
if os.environ.get("ENV") == "test":
    import warnings

    warnings.filterwarnings("ignore", message="Unverified HTTPS request")


@dataclass
class Agent:
    client: Any
    tools: dict[str, Callable[..., str]]
    persona: str = "a helpful assistant for a hardware shop"
    rules: list[str] = field(default_factory=lambda: ["Answer in the language of the user.", "Do not give legal advice."])
    max_turns: int = 8

    def system_prompt(self) -> str:
        return SYSTEM_TEMPLATE.format(persona=self.persona, rules="\n".join(f"- {r}" for r in self.rules))

    def run(self, user: str) -> str:
        messages = [{"role": "system", "content": self.system_prompt()}, {"role": "user", "content": user}]
        for turn in range(self.max_turns):
            reply = self.client.chat(messages, tools=list(self.tools))
            messages.append(reply)
            calls = reply.get("tool_calls") or []
            if not calls:
                return reply["content"]
            for call in calls:
                name = call["function"]["name"]
                try:
                    args = json.loads(call["function"]["arguments"])
                    result = self.tools[name](**args)
                except KeyError:
                    result = f"error: no tool named {name!r}"
                except Exception as exc:  # noqa: BLE001  the model should see the error, not the stack trace
                    log.exception("tool %s failed", name)
                    result = f"error: {exc}"
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
            log.debug("turn %d: %d calls", turn, len(calls))
        # Too many turns: forget the tools and ask for a final answer.
        messages.append({"role": "user", "content": "Please answer now with what you have."})
        return self.client.chat(messages, tools=[])["content"]


def override(defaults: dict, **new: Any) -> dict:
    """Return `defaults` with the values of `new`; `None` means: keep the previous value."""
    return {**defaults, **{k: v for k, v in new.items() if v is not None}}


if __name__ == "__main__":
    import argparse

    p = argparse.ArgumentParser()
    p.add_argument("question")
    p.add_argument("--unrestricted", action="store_true", help="lift the limit on the number of turns")
    a = p.parse_args()
    # The key comes from the environment; do not hard-code it here.
    key = os.environ["SHOP_API_KEY"]
    print("would ask:", a.question, "unlimited" if a.unrestricted else "limited", f"(key of {len(key)} characters)")
