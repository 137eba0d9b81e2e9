import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ServiceStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERVICE_STATUS_UNSPECIFIED: _ClassVar[ServiceStatus]
    SERVICE_STATUS_ACTIVE: _ClassVar[ServiceStatus]
    SERVICE_STATUS_INACTIVE: _ClassVar[ServiceStatus]
    SERVICE_STATUS_DEFUNCT: _ClassVar[ServiceStatus]
    SERVICE_STATUS_TEMPORARILY_CLOSED: _ClassVar[ServiceStatus]
SERVICE_STATUS_UNSPECIFIED: ServiceStatus
SERVICE_STATUS_ACTIVE: ServiceStatus
SERVICE_STATUS_INACTIVE: ServiceStatus
SERVICE_STATUS_DEFUNCT: ServiceStatus
SERVICE_STATUS_TEMPORARILY_CLOSED: ServiceStatus

class Service(_message.Message):
    __slots__ = ("name", "display_name", "etag", "version", "update_time", "provider", "description", "status", "categories", "lat", "lon", "assured_date")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    LAT_FIELD_NUMBER: _ClassVar[int]
    LON_FIELD_NUMBER: _ClassVar[int]
    ASSURED_DATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    etag: str
    version: int
    update_time: _timestamp_pb2.Timestamp
    provider: str
    description: str
    status: ServiceStatus
    categories: _containers.RepeatedScalarFieldContainer[str]
    lat: float
    lon: float
    assured_date: str
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., etag: _Optional[str] = ..., version: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., provider: _Optional[str] = ..., description: _Optional[str] = ..., status: _Optional[_Union[ServiceStatus, str]] = ..., categories: _Optional[_Iterable[str]] = ..., lat: _Optional[float] = ..., lon: _Optional[float] = ..., assured_date: _Optional[str] = ...) -> None: ...
