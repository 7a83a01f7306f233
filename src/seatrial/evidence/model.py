"""What all parts of the record have in common."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Model"]


class Model(BaseModel):
    """A frozen part of the record."""

    # Readers keep what a later version added, and they do not know, out of their way.
    model_config = ConfigDict(frozen=True, extra="ignore")
