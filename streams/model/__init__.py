"""The records of every topic, as pydantic models; schemas/ is generated from them."""
