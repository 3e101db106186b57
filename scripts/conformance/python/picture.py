"""The program of `programs/picture.ts` in Python, for a comparison of the server's data.

    python picture.py PROJECT
"""

import asyncio
import sys

import weave

client = weave.init(sys.argv[1])


@weave.op
def leaf(value):
    return value


@weave.op
def failing(value):
    raise TypeError("on purpose")


@weave.op
def parent(value):
    leaf(value)
    try:
        failing(value)
    except TypeError:
        pass
    return value


@weave.op
def broken(value):
    failing(value)


@weave.op(call_display_name="shown as this")
def named(value):
    return value


@weave.op(call_display_name=lambda call: f"made of {call.inputs['value']}")
def computed(value):
    return value


@weave.op
def generator(count):
    yield from range(count)


@weave.op
async def asynchronous(value):
    return leaf(value)


@weave.op
def nothing():
    pass


@weave.op
def response(value):
    return {"model": "m1", "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}


parent("p")
try:
    broken("b")
except TypeError:
    pass
named("n")
computed("c")
list(generator(3))
asyncio.run(asynchronous("a"))
nothing()
response("r")
with weave.attributes({"team": "a"}):
    leaf("with attributes")

weave.publish(weave.StringPrompt("Hello {name}"), "string-prompt")
weave.publish(weave.MessagesPrompt([{"role": "user", "content": "Hi {name}"}]), "messages-prompt")
weave.publish(weave.Dataset(name="set", rows=[{"q": "1"}, {"q": "2"}]), "set")
client.finish()
