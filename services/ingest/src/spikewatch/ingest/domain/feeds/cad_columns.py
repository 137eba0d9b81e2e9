"""What dispatch systems and open-data sites call the columns of 911 calls."""

from typing import Final

__all__ = ["COLUMNS"]

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    # What the call turned out to be: where it is stated, no other type counts.
    "final": (
        *("final call type", "final type", "final call type description", "final incident type", "final problem", "final nature"),
        *("call type final desc", "call type final", "final type code"),
    ),
    "title": (
        *("call type description", "incident type description", "event type description", "type description", "call description"),
        *("typetext", "call type", "incident type", "event type", "nature", "nature of call", "call nature", "nature description"),
        *("problem", "problem nature", "problem description", "call for service", "call for service type", "typ eng", "type"),
        *("call type code", "event type code", "type code", "initial call type", "initial type", "call type original desc"),
        "dispatch reason",
    ),
    # Looked at beside a type that says nothing of an overdose: MEDICAL, and here OVERDOSE.
    "description": ("descript",),
    "determinant": (
        *("determinant code", "mpds", "mpds code", "mpds determinant", "emd code", "emd determinant", "response determinant", "emd"),
    ),
    "number": (
        *("call number", "call no", "call num", "call id", "cad number", "cad id", "cad incident number", "cad event number", "cfs number"),
        *("cfs no", "incident number", "incident no", "incident num", "incident id", "inc number", "inci no", "master incident number"),
        *("event number", "event no", "event id", "run number", "run no", "response number", "incident"),
    ),
    "call": (
        *("call received", "call received time", "time call received", "call received date time", "received", "received time"),
        *("time received", "received date time", "call date time", "call timestamp", "called at", "psap time", "phone pickup time"),
        *("time phone pickup", "call entry time", "entry time", "entry date time", "create time", "create time incident", "time create"),
        *("create date time", "created", "time created", "original time queued", "cad event original time queued", "incident date time"),
        *("event date time", "date time", "call datetime local", "alarm date time", "response date", "reported", "reported date time"),
    ),
    # Read as UTC, for the column says so.
    "call utc": (
        *("event created utc", "created utc", "call received utc", "received utc", "time received utc", "call time utc"),
        *("call date time utc", "call datetime utc", "incident date time utc", "event date time utc", "date time utc"),
    ),
    "dispatch": (
        *("dispatched", "dispatch time", "dispatch date time", "time dispatched", "first dispatched", "first unit dispatched"),
        *("time first unit dispatched", "unit dispatched", "date time of dispatch", "assigned", "time first unit assigned"),
    ),
    "day": ("call date", "incident date", "event date", "received date", "date of call", "date", "alarm date", "alm date"),
    "clock": ("call time", "incident time", "event time", "time of call", "time", "alarm time", "alm time"),
    "desc": (),
    "timestamp": (),
    "lat": (
        *("latitude", "incident latitude", "lat dd", "latitude dd", "gps latitude", "y lat", "call latitude", "latitude x"),
        *("latitude y", "blurred latitude"),
    ),
    "lng": (
        *("lon", "long", "longitude", "incident longitude", "lon dd", "longitude dd", "gps longitude", "x long", "call longitude"),
        *("longitude x", "longitude y", "blurred longitude"),
    ),
    "addr": (
        *("address", "incident address", "street address", "block address", "location address", "loc address", "call address"),
        *("incident location", "location", "full address", "hundred block", "100 block", "hundred block location", "address x"),
    ),
    "cross": (
        *("cross streets", "cross street", "nearest cross street", "intersection", "nearest intersection", "intersection name", "x street"),
        *("x streets", "cross street name"),
    ),
    "twp": ("township", "city", "municipality", "muni", "town", "borough", "community", "incident city"),
    "zip": ("zip code", "zipcode", "zip5", "postal code", "incident zip", "zipcode of incident"),
    "disposition": ("call disposition", "final disposition", "dispo", "disposition description", "clearance", "close code"),
    "complaint": ("chief complaint", "caller complaint", "comments", "remarks", "call comments", "call notes", "narrative"),
    "age": ("patient age", "age years"),
    "sex": ("gender", "patient sex", "patient gender"),
}
"""Names of columns by what they mean, the best first. All others, such as unit, agency and caller, are never looked at."""
