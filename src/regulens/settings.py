"""Base class of every settings object: unknown keys are errors and values never change after validation."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A group of configuration keys. Commands receive one as JSON and validate it with ``model_validate_json``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
