"""What a handler is given: the request and its parts.

Made by the engine, never by users; nothing lives here but names.
"""

from covet._native import URL, Address, Headers, QueryParams, Request, State

__all__ = ["URL", "Address", "Headers", "QueryParams", "Request", "State"]
