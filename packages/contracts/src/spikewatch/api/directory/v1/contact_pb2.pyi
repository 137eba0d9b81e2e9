import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ContactRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTACT_ROLE_UNSPECIFIED: _ClassVar[ContactRole]
    CONTACT_ROLE_SPIKE_COORDINATOR: _ClassVar[ContactRole]
    CONTACT_ROLE_PUBLIC_HEALTH_ANALYST: _ClassVar[ContactRole]
    CONTACT_ROLE_DRUG_INTELLIGENCE_OFFICER: _ClassVar[ContactRole]
    CONTACT_ROLE_OUTREACH: _ClassVar[ContactRole]
    CONTACT_ROLE_DUTY_DESK: _ClassVar[ContactRole]
CONTACT_ROLE_UNSPECIFIED: ContactRole
CONTACT_ROLE_SPIKE_COORDINATOR: ContactRole
CONTACT_ROLE_PUBLIC_HEALTH_ANALYST: ContactRole
CONTACT_ROLE_DRUG_INTELLIGENCE_OFFICER: ContactRole
CONTACT_ROLE_OUTREACH: ContactRole
CONTACT_ROLE_DUTY_DESK: ContactRole

class Contact(_message.Message):
    __slots__ = ("name", "display_name", "etag", "version", "update_time", "parent", "organization", "role", "email", "phone", "areas")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    AREAS_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    etag: str
    version: int
    update_time: _timestamp_pb2.Timestamp
    parent: str
    organization: str
    role: ContactRole
    email: str
    phone: str
    areas: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., etag: _Optional[str] = ..., version: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parent: _Optional[str] = ..., organization: _Optional[str] = ..., role: _Optional[_Union[ContactRole, str]] = ..., email: _Optional[str] = ..., phone: _Optional[str] = ..., areas: _Optional[_Iterable[str]] = ...) -> None: ...
