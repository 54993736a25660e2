"""What the API says.

The enums come first, so that each is described before a field of its type makes one without a description.
"""

from schema import enums

__all__ = ["enums"]
