"""The transfers of the agent's call: asks for them, and hears what becomes of them. Needs no LiveKit."""

import asyncio
import json
import re

from call_api import CallApiError

# Topic of the bridge's data messages.
TOPIC = "bridge"
# The bridge holds a reply for at most this long, seconds.
WAIT_SECONDS = 25
# Between two requests when the first one told nothing new.
PAUSE_SECONDS = 1


def read_people(setting=""):
    """Read a setting such as `sales=+15550003333, support=+15550004444`.

    The model chooses a name. If it chose numbers, any caller could talk it into an expensive one. The bridge's number
    policy is the second fence.
    """
    people = {}
    for n, entry in enumerate((e.strip() for e in setting.split(",") if e.strip()), start=1):
        match = re.fullmatch(r"([^=]*[^=\s])\s*=\s*(\+[0-9]{3,15})", entry)
        # The entry itself may hold a private number.
        if not match:
            raise ValueError(f"PEOPLE: entry {n} is not like sales=+15550003333")
        people[match[1]] = match[2]
    return people


class UnknownPerson(Exception):
    """Nobody has that name. The message is for the model."""

    def __init__(self, names):
        choose = f"There is nobody of that name. Choose: {', '.join(names)}."
        super().__init__(choose if names else "There is nobody to call.")


class Transfers:
    def __init__(self, api, people, on_news):
        """`on_news` gets each step of a transfer once.

        `api` is None in a degraded call, in which nobody can be called, and until a warm agent knows its call.
        """
        self.people = people
        self.api = api
        self._on_news = on_news
        self._latest = None
        self._following = None

    @property
    def open(self):
        """The transfer that is under way."""
        return self._latest if self._latest and self._latest["state"] != "finished" else None

    async def begin(self, mode, name, brief="Somebody asks for you."):
        """Call somebody of the directory. Whether the person comes is told by `on_news`.

        `brief` is what the person should know before talking with the caller. Nobody could tell it with other modes.
        """
        if name not in self.people:
            raise UnknownPerson(self.people)
        more = {"consult": {"brief": brief}, "screen": {"say": f"{brief} Press 1 to take the call."}}.get(mode, {})
        self._follow(await self._known_api().transfer(mode, self.people[name], **more))

    async def resume(self, transfer_id):
        """Another agent of this call has begun a transfer, and is gone: its news are this agent's from now on."""
        self._follow(await self._known_api().read_transfer(transfer_id))

    async def complete(self):
        """`consult`: the person joins the caller. Then the bridge removes this agent from the room."""
        self._note(await self._known_api().complete(self._open_id()))

    async def cancel(self):
        self._note(await self._known_api().cancel(self._open_id()))

    async def send_digits(self, digits):
        await self._known_api().send_digits(digits)

    async def hang_up(self):
        await self._known_api().hang_up()

    def heard(self, payload, sender, topic):
        """Take a data message of the room. It is the quickest news.

        The bridge is no participant of the room, so its messages have no `sender`. Anybody else could claim anything.
        """
        if topic != TOPIC or sender is not None:
            return
        try:
            message = json.loads(payload)
            if message["type"] == "transfer" and message["transfer"]["id"]:
                self._note(message["transfer"])
        except (ValueError, KeyError, TypeError):
            # A later version may send something else.
            pass

    def close(self):
        """The agent's job is over."""
        if self._following:
            self._following.cancel()

    def _known_api(self):
        if self.api is None:
            raise CallApiError(501, {"code": "DEGRADED", "message": "This call has no API"})
        return self.api

    def _open_id(self):
        if not self.open:
            raise CallApiError(409, {"code": "NO_TRANSFER", "message": "No transfer is under way"})
        return self.open["id"]

    def _follow(self, transfer):
        self._note(transfer)
        self.close()
        self._following = asyncio.create_task(self._ask_until_finished(transfer["id"]))

    async def _ask_until_finished(self, transfer_id):
        """A data message may get lost. The reply to a request does not."""
        while self.open and self.open["id"] == transfer_id:
            before = self.open
            try:
                self._note(await self.api.wait_for_news(before, WAIT_SECONDS))
            except CallApiError as error:
                # 401: the call has ended, and nobody is left to hear of it.
                if error.status in (401, 404):
                    return
            except OSError:
                # The bridge cannot be reached for the moment.
                pass
            if self._latest is before:
                await asyncio.sleep(PAUSE_SECONDS)

    def _note(self, transfer):
        """Replies and messages may overtake each other, and tell everything twice. A result stands."""
        known = self._latest
        is_same = known is not None and known["id"] == transfer["id"]
        if is_same and (known["state"] == "finished" or known["state"] == transfer["state"]):
            return
        # There is one open transfer at a time, so this is late news of an earlier one.
        if self.open and not is_same and transfer["state"] == "finished":
            return
        self._latest = transfer
        self._on_news(transfer)


IN_VAIN = {
    "busy": "The line is busy.",
    "declined": "The person cannot take the call now.",
    "no-answer": "Nobody answers.",
    "person-hung-up": "The person hung up before the two could talk.",
    "cancelled": "The transfer was cancelled.",
    "refused": "This number cannot be reached.",
}

REFUSED = {
    "BRIDGE_NUMBER_REFUSED": "Calling this person is not allowed. Do not try again.",
    "BRIDGE_OWN_NUMBER": "Calling this person is not allowed. Do not try again.",
    "BRIDGE_CALL_ENDED": "The call is over.",
    "BRIDGE_TRANSFER_OPEN": "Another transfer is under way. Cancel it first, or wait.",
    "BRIDGE_NOT_CONSULTING": "Nobody talks with the person yet. Wait.",
    "BRIDGE_TRANSFER_COMPLETING": "It is too late: the person is being connected.",
    "BRIDGE_TRANSFER_FINISHED": "This transfer is over.",
}


def news_of(transfer):
    """Say in words for the model what it is to do now. None: nothing, for example while the phone rings."""
    if transfer["state"] != "finished":
        return None
    # Caller and person talk. With `add` the agent is still there and must let them.
    if transfer.get("result") == "bridged":
        return "The person is here. Greet them in one sentence." if transfer["mode"] == "add" else None
    if transfer.get("result") == "failed":
        return None
    why = IN_VAIN.get(transfer.get("reason"), "The transfer did not work.")
    return f"{why} Tell the caller, and offer to take a message or to try somebody else."


def refusal_of(error):
    """Say in words for the model why something was not begun at all."""
    if isinstance(error, UnknownPerson):
        return str(error)
    if not isinstance(error, CallApiError):
        return "The phone system cannot be reached. Apologise, and go on without it."
    if error.code in REFUSED:
        return REFUSED[error.code]
    if error.status == 409:
        return "That is not possible now."
    if error.status == 429:
        return "Too many calls are being made. Offer to take a message."
    return "The phone system did not do it. Apologise, and go on without it."
