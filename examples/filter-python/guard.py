"""A client may make so many requests in a window; the upstream is told its language; JSON bodies are read before the
upstream gets them.

Everything is imported here at the top: that runs when the component is built. Later there are no files to import from.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err
from weir import answer, hook
from wit_world import exports
from wit_world.imports import body, exchange, kv, request, response, resumption
from wit_world.imports.resumption import Ended
from wit_world.imports.types import Fault, Flow

LARGEST_BODY = 16 * 1024
DEEPEST_JSON = 64
LANGUAGE = re.compile("[a-z0-9-]+", re.IGNORECASE | re.ASCII)
# Possessive: whatever a client sends, this looks at each byte once.
JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
JSON_TYPE = re.compile(r"application/([^;]+\+)?json\b", re.IGNORECASE)


@dataclass
class Settings:
    limit: int
    window: int
    store: str
    pattern: re.Pattern | None
    replacement: str | None


# Every instance is configured before its other hooks, so this may be kept. What belongs to one exchange may not.
settings: Settings


class Configure(exports.Configure):
    @hook
    def configure(self, config: str) -> None:
        global settings
        settings = read_settings(json.loads(config))


class OnRequest(exports.OnRequest):
    @hook
    def on_request(self) -> Flow:
        client = exchange.client_address()
        # A key that is new gets the time to live, so this is the window's end.
        count = kv.increment(settings.store, client, 1, settings.window * 1000)
        if count > settings.limit:
            detail = f"request {count} of {client} in {settings.window} s"
            after = ("retry-after", str(settings.window))
            return answer(429, "Too many requests.", "over-limit", detail, after)
        exchange.note("within-limit")
        # `on-response` may run in another instance: the slot is what lasts.
        exchange.set_slot(str(settings.limit - count).encode())

        language = LANGUAGE.match(request.header_text("accept-language") or "")
        if language:
            request.set_header_text("x-language", language[0].lower())
        else:
            # What the client says in its place must not pass for what was found out here.
            request.remove_header("x-language")

        if settings.pattern is None or not JSON_TYPE.match(request.header_text("content-type") or ""):
            return Flow.NEXT
        body.buffer(LARGEST_BODY)
        return Flow.PAUSE


class OnResume(exports.OnResume):
    @hook
    def on_resume(self) -> Flow:
        match resumption.outcome():
            case Ended.DONE:
                return check_body(settings.pattern, settings.replacement)
            case Ended.OVER_LIMIT:
                detail = f"more than {LARGEST_BODY} bytes of JSON"
                return answer(413, "The body is too large.", "body-too-large", detail)
            case _:
                # The body did not come: the host ends the exchange.
                return Flow.NEXT


class OnResponse(exports.OnResponse):
    @hook
    def on_response(self) -> Flow:
        left = exchange.slot()
        if left:
            response.set_header("x-requests-left", left)
        return Flow.NEXT


def check_body(pattern: re.Pattern, replacement: str | None) -> Flow:
    size = body.size()
    if size == 0:
        return Flow.NEXT
    text = body.read(0, size)
    if is_too_deep(text):
        detail = f"JSON of more than {DEEPEST_JSON} levels"
        return answer(400, "The body is nested too deep.", "nested-too-deep", detail)
    try:
        value = json.loads(text)
    except ValueError as error:
        return answer(400, "The body is not JSON.", "not-json", str(error))
    found: list[str] = []

    def mend(word: re.Match) -> str:
        found.append(word[0])
        return word[0] if replacement is None else replacement

    # Strings are looked at after parsing: `\u0073` is an `s`.
    mended = walk(value, lambda text: pattern.sub(mend, text))
    if not found:
        return Flow.NEXT
    if replacement is None:
        words = "The body has a word that is not allowed."
        return answer(422, words, "forbidden-word", f"the body has `{found[0]}`")
    body.replace(json.dumps(mended).encode())
    return Flow.NEXT


def is_too_deep(text: bytes) -> bool:
    """Whether the JSON has more levels than allowed. The parser would run out of stack, and that traps: no exception
    comes of it. A client must not be able to make the filter fail."""
    depth = 0
    for bracket in re.sub(rb"[^][{}]+", b"", JSON_STRING.sub(b"", text)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST_JSON:
            return True
    return False


def walk(value: Any, change) -> Any:
    """The value with its strings changed."""
    match value:
        case str():
            return change(value)
        case list():
            return [walk(part, change) for part in value]
        case dict():
            return {key: walk(part, change) for key, part in value.items()}
        case _:
            return value


def read_settings(config: dict[str, Any]) -> Settings:
    """The settings; every fault of them at once, each with the pointer to its place."""
    faults = []

    def need(is_right: bool, pointer: str, message: str) -> None:
        if not is_right:
            faults.append(Fault(pointer, message))

    known = {"limit", "window", "store", "forbidden", "replacement"}
    for key in config.keys() - known:
        need(False, f"/{key}", "there is no such key")
    limit, window = config.get("limit"), config.get("window", 60)
    need(is_count(limit), "/limit" if "limit" in config else "", "`limit` is a number from 1 on")
    need(is_count(window), "/window", "`window` is a number of seconds from 1 on")
    store = config.get("store", "local")
    need(isinstance(store, str), "/store", "`store` is the name of a store")
    forbidden, replacement = config.get("forbidden", []), config.get("replacement")
    need(isinstance(forbidden, list), "/forbidden", "`forbidden` is a list of words")
    for at, word in enumerate(forbidden if isinstance(forbidden, list) else []):
        need(isinstance(word, str) and word != "", f"/forbidden/{at}", "this is not a word")
    need(replacement is None or isinstance(replacement, str), "/replacement", "`replacement` is text")
    if faults:
        raise Err(faults)

    pattern = re.compile("|".join(map(re.escape, forbidden)), re.IGNORECASE) if forbidden else None
    if pattern and replacement and pattern.search(replacement):
        raise Err([Fault("/replacement", "it has a forbidden word itself")])
    return Settings(limit, window, store, pattern, replacement)


def is_count(value: Any) -> bool:
    # `True` is an `int` in Python.
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
