"""COM1's text as lines and events, the same for `make run` and the system cases."""
import json
import re

# colours, cursor movements and modes that firmware sends
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?=]*[A-Za-z]|[=>()][0-9A-Za-z]?)")
# the prompt, and what somebody had typed, when a line takes its place
ERASED = re.compile(rb"^.*\r\x1b\[K")
# the hypervisor's own lines, perhaps behind its prompt; a guest's begin with "[name] "
OWN = r"^(?:sluice> ?)?sluice: (?:\[[^]]*\] *)?"
POWER_OFF = re.compile(OWN + r"power off, status (-?\d+)")
PANIC = re.compile(OWN + r".*\bpanic\b|Kernel panic - not syncing")
STATS = re.compile(OWN + r"stats (?=\{)")
LINK = re.compile(r"\bLINK (?=\{)")
RESULT = re.compile(r"\bRESULT (?=\{)")


class Lines:
    """Cuts a byte stream into lines of text."""

    def __init__(self):
        self._rest = b""

    def feed(self, data):
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [clean(line) for line in whole]

    def rest(self):
        return clean(self._rest)


def clean(line):
    line = ERASED.sub(b"", line)
    return ESCAPES.sub(b"", line).replace(b"\r", b"").decode("utf-8", "replace")


def guest_event(line):
    """(name, text) of a guest's progress message, whatever the console put before it."""
    m = re.search(r"\bGUEST (\S+) (.*)", line)
    return (m.group(1), m.group(2).strip()) if m else None


def json_after(pattern, line):
    """The object behind the pattern, None if the line is another, or an error text."""
    m = pattern.search(line)
    if not m:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(line[m.end():])
    except ValueError as e:
        return f"not JSON ({e}): {line[:120]}"
    return value if isinstance(value, dict) else f"not a JSON object: {line[:120]}"


def result(line):
    return json_after(RESULT, line)


def link(line):
    return json_after(LINK, line)


def stats(line):
    return json_after(STATS, line)


def tail(path, lines=40, size=65536):
    """The last lines, within the last size bytes, of a raw console."""
    try:
        with open(path, "rb") as f:
            text = [clean(line) for line in f.read()[-size:].split(b"\n")]
    except FileNotFoundError:
        return []
    return [line for line in text if line.strip()][-lines:]
