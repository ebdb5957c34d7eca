"""The library speaks of C's names; a Python program has others."""

import re

from .errors import Status

# The enumerations by the beginnings of their constants.
_ENUMERATIONS = {
    "BACKOFF": "Backoff",
    "DIAL": "Purpose",
    "DURABILITY": "Durability",
    "FILTER": "TypeFilter",
    "NETWORK": "Network",
    "ON_CORRUPT": "OnCorrupt",
    "REACH": "Reach",
    "TYPE": "PeerType",
}

# A constant, and those after it, whose beginning is left out: PEER_MANAGER_TYPE_INBOUND, _OUTBOUND or _PREFERRED.
_CONSTANTS = re.compile(rf"PEER_MANAGER_({'|'.join(_ENUMERATIONS)})_([A-Z0-9_]+)((?:(?:,| or| and) _[A-Z0-9_]+)*)")
_FIELD = re.compile(r"\b(?:options|query|filter|record)->(?=[a-z])")


def in_python(message: str, status: int) -> str:
    """A message with the names that Python has for arguments and constants. What it says of a peer, a path or a file
    stays as it is: only messages about arguments, and about bugs, are changed."""
    if status == Status.INTERNAL:
        return re.sub(r"^peer_manager_(?=\w+ panicked)", "", message)
    if status == Status.INVALID_ADDRESS:
        # What stands before the colon is the argument; what a stranger has written stands in quotes after it.
        return re.sub(r"^(?:query|filter)->(?=exclude\[)", "", message)
    if status not in (Status.INVALID_ARGUMENT, Status.UNSUPPORTED):
        return message
    message = _CONSTANTS.sub(_members, _FIELD.sub("", message))
    return re.sub(r"^db_path\b", "path", message)


def _members(match: re.Match[str]) -> str:
    name, first, rest = match.groups()
    enumeration = _ENUMERATIONS[name]
    return f"{enumeration}.{first}{re.sub(' _', f' {enumeration}.', rest)}"
