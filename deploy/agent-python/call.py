"""What an agent learns about its call: version 1 of the job metadata (docs/agents.md). Needs no LiveKit."""

import json


def read_job(job_metadata, room_metadata="", attributes={}):
    """Read what is known of the call now.

    A warm job is older than its call: who calls is written into the room's metadata then, and until it is there the
    caller's attributes say the least that an agent must know. All others are known from the job's metadata alone. It
    never raises: whatever the metadata is, a caller is waiting for an answer.
    """
    job = parse(job_metadata)
    if job.get("v") != 1:
        return {}

    is_warm = job.get("mode") == "warm"
    room = parse(room_metadata) if is_warm else {}
    calls = [job.get("call"), room.get("call"), call_of(attributes) if is_warm else None]
    call = next(filter(is_call, calls), None)
    if not call and not is_warm:
        return {}

    known = {
        "mode": "warm" if is_warm else None,
        "call": call,
        "control": call and control_of({**dict_of(room.get("control")), **dict_of(job.get("control"))}, call),
        "transfer": with_id(job.get("transfer")),
        "lastTransfer": with_id(job.get("lastTransfer")) or with_id(room.get("lastTransfer")),
        "app": job.get("app") if isinstance(job.get("app"), str) else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def parse(text):
    try:
        return dict_of(json.loads(text))
    except (ValueError, TypeError):
        return {}


def dict_of(value):
    return value if isinstance(value, dict) else {}


def is_call(call):
    return isinstance(dict_of(call).get("callSid"), str)


def with_id(transfer):
    return transfer if isinstance(dict_of(transfer).get("id"), str) else None


def call_of(attributes):
    """The bridge sends these headers to the rooms of warm agents."""
    return {
        "callSid": attributes.get("sip.h.x-lk-call"),
        "from": attributes.get("sip.h.x-lk-from", ""),
        "to": attributes.get("sip.h.x-lk-to", ""),
    }


def control_of(control, call):
    """A warm job is older than its call, so it has the `base` of the address."""
    url, base, token = control.get("url"), control.get("base"), control.get("token")
    url = url if isinstance(url, str) else base and f"{base}/{call['callSid']}"
    return {"url": url, "token": token} if url and isinstance(token, str) else None
