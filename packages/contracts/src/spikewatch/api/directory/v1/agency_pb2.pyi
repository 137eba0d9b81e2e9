import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SourceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SOURCE_TYPE_UNSPECIFIED: _ClassVar[SourceType]
    SOURCE_TYPE_CAD: _ClassVar[SourceType]
    SOURCE_TYPE_EMS: _ClassVar[SourceType]
    SOURCE_TYPE_POLICE: _ClassVar[SourceType]
    SOURCE_TYPE_FIRE: _ClassVar[SourceType]
    SOURCE_TYPE_ED: _ClassVar[SourceType]
    SOURCE_TYPE_ME: _ClassVar[SourceType]
    SOURCE_TYPE_LAB: _ClassVar[SourceType]
    SOURCE_TYPE_JAIL: _ClassVar[SourceType]
    SOURCE_TYPE_COMMUNITY: _ClassVar[SourceType]
    SOURCE_TYPE_OTHER: _ClassVar[SourceType]

class AgencyState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGENCY_STATE_UNSPECIFIED: _ClassVar[AgencyState]
    AGENCY_STATE_ACTIVE: _ClassVar[AgencyState]
    AGENCY_STATE_SUSPENDED: _ClassVar[AgencyState]
SOURCE_TYPE_UNSPECIFIED: SourceType
SOURCE_TYPE_CAD: SourceType
SOURCE_TYPE_EMS: SourceType
SOURCE_TYPE_POLICE: SourceType
SOURCE_TYPE_FIRE: SourceType
SOURCE_TYPE_ED: SourceType
SOURCE_TYPE_ME: SourceType
SOURCE_TYPE_LAB: SourceType
SOURCE_TYPE_JAIL: SourceType
SOURCE_TYPE_COMMUNITY: SourceType
SOURCE_TYPE_OTHER: SourceType
AGENCY_STATE_UNSPECIFIED: AgencyState
AGENCY_STATE_ACTIVE: AgencyState
AGENCY_STATE_SUSPENDED: AgencyState

class Agency(_message.Message):
    __slots__ = ("name", "display_name", "etag", "version", "update_time", "agency_id", "source_type", "state", "time_zone", "county_fips", "areas", "sends_every_s")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    AGENCY_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    COUNTY_FIPS_FIELD_NUMBER: _ClassVar[int]
    AREAS_FIELD_NUMBER: _ClassVar[int]
    SENDS_EVERY_S_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    etag: str
    version: int
    update_time: _timestamp_pb2.Timestamp
    agency_id: str
    source_type: SourceType
    state: AgencyState
    time_zone: str
    county_fips: str
    areas: _containers.RepeatedScalarFieldContainer[str]
    sends_every_s: float
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., etag: _Optional[str] = ..., version: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., agency_id: _Optional[str] = ..., source_type: _Optional[_Union[SourceType, str]] = ..., state: _Optional[_Union[AgencyState, str]] = ..., time_zone: _Optional[str] = ..., county_fips: _Optional[str] = ..., areas: _Optional[_Iterable[str]] = ..., sends_every_s: _Optional[float] = ...) -> None: ...
