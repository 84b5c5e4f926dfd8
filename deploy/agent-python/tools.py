"""The tools of a model. The example agent has none, and calls the same methods when keys are pressed.

Put these into your agent: `Agent(instructions=..., tools=caller_tools(transfers))`. Each one returns at once what was
begun. What comes of it arrives later: give `tell_model(session)` to `Transfers` as `on_news`.
"""

from livekit.agents import function_tool

from transfers import news_of, refusal_of


def caller_tools(transfers):
    """For the agent that talks with the caller."""
    who = {"type": "string", "enum": list(transfers.people), "description": "Whom to call"}
    brief = {
        "type": "string",
        "description": "What the person must know: who calls, what they want, what was tried. At most three sentences.",
    }
    person = {"who": who}

    async def begin(mode, arguments, done):
        return await said(transfers.begin(mode, arguments["who"], *filter(None, [arguments.get("brief")])), done)

    @tool("Calls a person. A colleague of yours talks with them first, while the caller hears music. Tell the caller.",
          person | {"brief": brief})
    async def consult_person(raw_arguments: dict):
        return await begin("consult", raw_arguments, "The person is being called.")

    @tool("Brings the person who is being consulted to the caller. You leave the call.")
    async def complete_transfer(raw_arguments: dict):
        return await said(transfers.complete(), "The person joins the caller.")

    @tool("Stops calling or consulting the person. You go on talking with the caller.")
    async def cancel_transfer(raw_arguments: dict):
        return await said(transfers.cancel(), "Nobody is called any more.")

    @tool("Calls a person into this call. You stay, and all three hear each other.", person)
    async def add_person(raw_arguments: dict):
        return await begin("add", raw_arguments, "The person is being called.")

    @tool("Puts the caller through to a person without asking. Say goodbye first.", person)
    async def blind_transfer(raw_arguments: dict):
        return await begin("blind", raw_arguments, "The caller is put through.")

    @tool("Puts the caller through to a person, who hears who calls and may refuse. Tell the caller.",
          person | {"brief": brief})
    async def screened_transfer(raw_arguments: dict):
        return await begin("screen", raw_arguments, "The caller is put through.")

    @tool("Presses keys on the phone, for example in a menu: 0-9, * and #, w waits for half a second.",
          {"digits": {"type": "string"}})
    async def send_digits(raw_arguments: dict):
        return await said(transfers.send_digits(raw_arguments["digits"]), "The keys were pressed.")

    @tool("Ends the call. Say goodbye first.")
    async def hang_up(raw_arguments: dict):
        return await said(transfers.hang_up(), "The call ends.")

    return [
        consult_person, complete_transfer, cancel_transfer, add_person, blind_transfer, screened_transfer, send_digits,
        hang_up,
    ]


def person_tools(api, transfer_id):
    """For the agent that talks with the person."""

    @tool("The person wants to talk with the caller: brings them together. Say that you do.")
    async def complete_transfer(raw_arguments: dict):
        return await said(api.complete(transfer_id), "The person joins the caller.")

    @tool("The person does not want to talk with the caller: ends this call. Say goodbye first.")
    async def cancel_transfer(raw_arguments: dict):
        return await said(api.cancel(transfer_id), "The call ends.")

    return [complete_transfer, cancel_transfer]


def tool(description, properties=None):
    """Make a tool whose arguments are described by JSON schemas. All of them are required."""
    properties = properties or {}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return lambda function: function_tool(
        function,
        raw_schema={"name": function.__name__, "description": description, "parameters": parameters},
    )


async def said(asked, done):
    """Say what a model hears of a step. Errors are sentences too: a model can do nothing with an exception."""
    try:
        await asked
    except Exception as error:
        return refusal_of(error)
    return done


def tell_model(session):
    """Have the model say to the caller what has become of the person."""

    def on_news(transfer):
        instructions = news_of(transfer)
        if instructions:
            session.generate_reply(instructions=instructions)

    return on_news
