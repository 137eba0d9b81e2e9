import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListRulesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRulesResponse(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[Rule]
    def __init__(self, rules: _Optional[_Iterable[_Union[Rule, _Mapping]]] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("rule_id", "version", "enabled", "description", "kind", "window_hours", "area_kinds", "areas", "document")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    WINDOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    AREA_KINDS_FIELD_NUMBER: _ClassVar[int]
    AREAS_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    version: int
    enabled: bool
    description: str
    kind: str
    window_hours: float
    area_kinds: _containers.RepeatedScalarFieldContainer[str]
    areas: _containers.RepeatedScalarFieldContainer[str]
    document: str
    def __init__(self, rule_id: _Optional[str] = ..., version: _Optional[int] = ..., enabled: _Optional[bool] = ..., description: _Optional[str] = ..., kind: _Optional[str] = ..., window_hours: _Optional[float] = ..., area_kinds: _Optional[_Iterable[str]] = ..., areas: _Optional[_Iterable[str]] = ..., document: _Optional[str] = ...) -> None: ...

class TestRulesRequest(_message.Message):
    __slots__ = ("rules_yaml", "rule_ids", "areas", "area_kind", "start", "end", "labelled_spikes", "draws")
    RULES_YAML_FIELD_NUMBER: _ClassVar[int]
    RULE_IDS_FIELD_NUMBER: _ClassVar[int]
    AREAS_FIELD_NUMBER: _ClassVar[int]
    AREA_KIND_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    LABELLED_SPIKES_FIELD_NUMBER: _ClassVar[int]
    DRAWS_FIELD_NUMBER: _ClassVar[int]
    rules_yaml: str
    rule_ids: _containers.RepeatedScalarFieldContainer[str]
    areas: _containers.RepeatedScalarFieldContainer[str]
    area_kind: str
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    labelled_spikes: _containers.RepeatedCompositeFieldContainer[LabelledSpike]
    draws: int
    def __init__(self, rules_yaml: _Optional[str] = ..., rule_ids: _Optional[_Iterable[str]] = ..., areas: _Optional[_Iterable[str]] = ..., area_kind: _Optional[str] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., labelled_spikes: _Optional[_Iterable[_Union[LabelledSpike, _Mapping]]] = ..., draws: _Optional[int] = ...) -> None: ...

class LabelledSpike(_message.Message):
    __slots__ = ("name", "area", "start", "end")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AREA_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    name: str
    area: str
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., area: _Optional[str] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TestRulesResponse(_message.Message):
    __slots__ = ("start", "end", "areas", "verdicts")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    AREAS_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    areas: _containers.RepeatedCompositeFieldContainer[AreaHistory]
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., areas: _Optional[_Iterable[_Union[AreaHistory, _Mapping]]] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ...) -> None: ...

class AreaHistory(_message.Message):
    __slots__ = ("area", "overdoses", "first_day", "daily_counts")
    AREA_FIELD_NUMBER: _ClassVar[int]
    OVERDOSES_FIELD_NUMBER: _ClassVar[int]
    FIRST_DAY_FIELD_NUMBER: _ClassVar[int]
    DAILY_COUNTS_FIELD_NUMBER: _ClassVar[int]
    area: str
    overdoses: int
    first_day: _timestamp_pb2.Timestamp
    daily_counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, area: _Optional[str] = ..., overdoses: _Optional[int] = ..., first_day: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., daily_counts: _Optional[_Iterable[int]] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("rule_id", "version", "area", "overdoses", "years", "alarms_per_year", "alarms", "spikes", "hits", "days_to_detection", "judged_years")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AREA_FIELD_NUMBER: _ClassVar[int]
    OVERDOSES_FIELD_NUMBER: _ClassVar[int]
    YEARS_FIELD_NUMBER: _ClassVar[int]
    ALARMS_PER_YEAR_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    SPIKES_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    DAYS_TO_DETECTION_FIELD_NUMBER: _ClassVar[int]
    JUDGED_YEARS_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    version: int
    area: str
    overdoses: int
    years: float
    alarms_per_year: float
    alarms: _containers.RepeatedCompositeFieldContainer[Alarm]
    spikes: _containers.RepeatedCompositeFieldContainer[CaughtSpike]
    hits: int
    days_to_detection: float
    judged_years: float
    def __init__(self, rule_id: _Optional[str] = ..., version: _Optional[int] = ..., area: _Optional[str] = ..., overdoses: _Optional[int] = ..., years: _Optional[float] = ..., alarms_per_year: _Optional[float] = ..., alarms: _Optional[_Iterable[_Union[Alarm, _Mapping]]] = ..., spikes: _Optional[_Iterable[_Union[CaughtSpike, _Mapping]]] = ..., hits: _Optional[int] = ..., days_to_detection: _Optional[float] = ..., judged_years: _Optional[float] = ...) -> None: ...

class Alarm(_message.Message):
    __slots__ = ("opened_at", "last_met_at", "peak_at", "observed", "expected", "threshold", "probability", "told_at", "places")
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_MET_AT_FIELD_NUMBER: _ClassVar[int]
    PEAK_AT_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    TOLD_AT_FIELD_NUMBER: _ClassVar[int]
    PLACES_FIELD_NUMBER: _ClassVar[int]
    opened_at: _timestamp_pb2.Timestamp
    last_met_at: _timestamp_pb2.Timestamp
    peak_at: _timestamp_pb2.Timestamp
    observed: int
    expected: float
    threshold: float
    probability: float
    told_at: _timestamp_pb2.Timestamp
    places: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_met_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., peak_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., observed: _Optional[int] = ..., expected: _Optional[float] = ..., threshold: _Optional[float] = ..., probability: _Optional[float] = ..., told_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., places: _Optional[_Iterable[str]] = ...) -> None: ...

class CaughtSpike(_message.Message):
    __slots__ = ("name", "days_to_detection", "was_open", "start", "end", "area")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DAYS_TO_DETECTION_FIELD_NUMBER: _ClassVar[int]
    WAS_OPEN_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    AREA_FIELD_NUMBER: _ClassVar[int]
    name: str
    days_to_detection: float
    was_open: bool
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    area: str
    def __init__(self, name: _Optional[str] = ..., days_to_detection: _Optional[float] = ..., was_open: _Optional[bool] = ..., start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., area: _Optional[str] = ...) -> None: ...
