"""Chat completions: answered whole, or as a stream, in OpenAI's plain shape.

Owns: the shape that all faces with chat completions share. Not here: requests (``chat_request``), what a provider adds
(``azure``), and the model's answer (``model``).
"""

from __future__ import annotations

from collections.abc import Iterator

from detente.sandbox.ask import Ask, Beat, Choice, Counts, Generation
from detente.sandbox.reply import Json
from detente.sandbox.tokens import pieces

FINISH = {"stop": "stop", "stopped": "stop", "length": "length", "tools": "tool_calls"}
FINISH |= {"filtered": "content_filter", "blocked": "content_filter"}


def usage(counts: Counts) -> Json:
    """Usage in OpenAI's words."""
    return {
        "prompt_tokens": counts.input,
        "completion_tokens": counts.output,
        "total_tokens": counts.input + counts.output,
        "prompt_tokens_details": {"cached_tokens": counts.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def whole(generation: Generation, *, thoughts: bool) -> Json:
    """A reply in one piece. ``thoughts`` says whether reasoning is shown, or only counted."""
    return {
        "id": f"chatcmpl-{generation.mark}",
        "object": "chat.completion",
        "created": generation.created,
        "model": generation.model,
        "choices": [_whole_choice(generation, at, choice, thoughts) for at, choice in enumerate(generation.choices)],
        "usage": usage(generation.counts),
        "system_fingerprint": "fp_sandbox",
    }


def _whole_choice(generation: Generation, at: int, choice: Choice, thoughts: bool) -> Json:
    message: Json = {"role": "assistant", "content": choice.text or (None if choice.calls else ""), "refusal": None}
    if thoughts and choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    if choice.calls:
        message["tool_calls"] = [
            {
                "id": call_id(generation, at, k),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for k, call in enumerate(choice.calls)
        ]
    return {
        "index": at,
        "message": message,
        "finish_reason": FINISH[choice.finish],
        "logprobs": _logprobs(generation.ask, list(pieces(choice.text))),
    }


def call_id(generation: Generation, choice: int, call: int) -> str:
    """The id of a call of a tool."""
    return f"call_{generation.mark[:20]}{choice}{call:03d}"


def _logprobs(asked: Ask, tokens: list[str]) -> Json | None:
    """Probabilities of tokens: they are invented, in order, and the same for the same token."""
    if asked.top is None:
        return None
    return {"content": [_logprob(token, asked.top) for token in tokens], "refusal": None}


def _logprob(token: str, top: int) -> Json:
    def one(text: str, rank: int) -> Json:
        return {"token": text, "logprob": -0.05 - 1.5 * rank, "bytes": list(text.encode("utf-8", "surrogatepass"))}

    others = [one(token, 0), *(one(token[::-1] + "'" * rank, rank) for rank in range(1, top))]
    return {**one(token, 0), "top_logprobs": others[:top]}


def chunks(generation: Generation, *, thoughts: bool, asks_usage: bool) -> Iterator[tuple[Json, int]]:
    """A reply as a stream: each chunk with the tokens of content that it holds."""
    head = {
        "id": f"chatcmpl-{generation.mark}",
        "object": "chat.completion.chunk",
        "created": generation.created,
        "model": generation.model,
        "system_fingerprint": "fp_sandbox",
    }
    tail: Json = {"usage": None} if asks_usage else {}

    def chunk(at: int, delta: Json, finish: str | None = None, logprobs: Json | None = None) -> Json:
        choice = {"index": at, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
        return {**head, "choices": [choice], **tail}

    for at in range(len(generation.choices)):
        yield chunk(at, {"role": "assistant", "content": "", "refusal": None}), 0
    for at, beat in _in_turn(generation.choices):
        if beat.kind == "reasoning" and not thoughts:
            yield {}, 1  # generated, and not shown: it takes its time
            continue
        shown = _logprobs(generation.ask, [beat.text]) if beat.kind == "text" else None
        yield chunk(at, _delta(generation, at, beat), logprobs=shown), beat.tokens
    for at, choice in enumerate(generation.choices):
        yield chunk(at, {}, FINISH[choice.finish]), 0
    if asks_usage:
        yield {**head, "choices": [], "usage": usage(generation.counts)}, 0


def _in_turn(choices: tuple[Choice, ...]) -> Iterator[tuple[int, Beat]]:
    """The beats of all choices, one of each in turn, as a model that writes them side by side."""
    writing = [(at, choice.beats()) for at, choice in enumerate(choices)]
    while writing:
        still = []
        for at, beats in writing:
            beat = next(beats, None)
            if beat is not None:
                yield at, beat
                still.append((at, beats))
        writing = still


def _delta(generation: Generation, at: int, beat: Beat) -> Json:
    if beat.kind == "text":
        return {"content": beat.text}
    if beat.kind == "reasoning":
        return {"reasoning_content": beat.text}
    if beat.kind == "arguments":
        return {"tool_calls": [{"index": beat.call, "function": {"arguments": beat.text}}]}
    function = {"name": beat.text, "arguments": ""}
    return {
        "tool_calls": [
            {"index": beat.call, "id": call_id(generation, at, beat.call), "type": "function", "function": function}
        ]
    }
