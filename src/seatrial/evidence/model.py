"""What all parts of the record have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["Model", "schema_of"]


class Model(BaseModel):
    """A frozen part of the record."""

    # Readers keep what a later version added, and they do not know, out of their way. A validator
    # is built when it is first used: most of them are needed when a trial ends, not when it begins.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


def schema_of(model: type[Model]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what a model is written as."""
    schema = model.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
