"""What a handler is given: the request and its parts.

Made by the engine, never by users; nothing lives here but names.
"""

from covet._native import URL, Address, Headers, QueryParams, Request, State
from covet._uploads import FormData, Part, UploadFile

__all__ = ["URL", "Address", "FormData", "Headers", "Part", "QueryParams", "Request", "State", "UploadFile"]
