"""Settings of the directory service."""

from typing import Final, Self

from pydantic import Field, SecretStr, model_validator

from spikewatch.chassis.settings import ChassisSettings

__all__ = ["DirectorySettings"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "[::1]", "localhost"})


class DirectorySettings(ChassisSettings):
    """What the directory needs besides the chassis."""

    directory_host: str = Field(default="127.0.0.1", description="Address of the gRPC port.")
    directory_port: int = Field(default=0, ge=0, le=65535, description="gRPC port; 0 chooses a free one.", examples=[50051])
    directory_token: SecretStr | None = Field(default=None, description="Bearer token that each call must carry; none on loopback only.")
    directory_reflection: bool = Field(default=True, description="Whether clients may ask for the contract; off in production.")

    @model_validator(mode="after")
    def _needs_a_token_beyond_this_machine(self) -> Self:
        if self.directory_token is None and self.directory_host not in _LOOPBACK:
            raise ValueError("SPIKEWATCH_DIRECTORY_TOKEN must be set when SPIKEWATCH_DIRECTORY_HOST is not a loopback address")
        return self
