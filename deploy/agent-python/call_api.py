"""The API of one call, with the standard library only. It can do nothing to other calls."""

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request

# The bridge answers every request within this time, seconds, besides the time for which it is asked to wait.
ANSWER_SECONDS = 15


class CallApiError(Exception):
    """The bridge did not do what it was asked for. `code` says why, for example `BRIDGE_NUMBER_REFUSED`."""

    def __init__(self, status, reply):
        self.status = status
        self.code = reply.get("code", f"HTTP_{status}")
        super().__init__(reply.get("message", f"HTTP {status}"))


class CallApi:
    def __init__(self, control):
        """`control` is what the job metadata has under this name. Its token is a secret."""
        self._url = control["url"]
        self._token = control["token"]

    async def transfer(self, mode, to, **more):
        """Ask for a transfer. Returns as soon as the bridge has begun it."""
        return await self._ask("POST", "/transfers", {"mode": mode, "to": to, **more})

    async def read_transfer(self, transfer_id):
        return await self._ask("GET", f"/transfers/{urllib.parse.quote(transfer_id)}")

    async def wait_for_news(self, transfer, seconds):
        """Wait until a transfer is not in this state any more, for as many seconds at most."""
        query = urllib.parse.urlencode({"wait": seconds, "state": transfer["state"]})
        path = f"/transfers/{urllib.parse.quote(transfer['id'])}?{query}"
        return await self._ask("GET", path, seconds=seconds)

    async def complete(self, transfer_id):
        """`consult`: the person joins the caller."""
        return await self._ask("POST", f"/transfers/{urllib.parse.quote(transfer_id)}/complete")

    async def cancel(self, transfer_id):
        """The caller stays with the agent, or comes back to it."""
        return await self._ask("POST", f"/transfers/{urllib.parse.quote(transfer_id)}/cancel")

    async def send_digits(self, digits):
        """Press keys on the phone. 32 of them take 11 seconds."""
        return await self._ask("POST", "/dtmf", {"digits": digits}, seconds=len(digits))

    async def hang_up(self):
        return await self._ask("POST", "/hangup")

    async def _ask(self, method, path, body=None, seconds=0):
        request = urllib.request.Request(self._url + path, method=method)
        request.add_header("Authorization", f"Bearer {self._token}")
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        # The event loop plays audio, so it must not wait for a reply.
        return await asyncio.to_thread(_send, request, data, ANSWER_SECONDS + seconds)


def _send(request, data, timeout):
    try:
        with urllib.request.urlopen(request, data, timeout=timeout) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise CallApiError(error.code, _json_of(error)) from None


def _json_of(response):
    try:
        reply = json.load(response)
    except ValueError:
        return {}
    return reply if isinstance(reply, dict) else {}
