"""Calls an op until it is killed, and prints a value for each call whose records are in its log.

    python writer.py PROJECT NAME
"""

import itertools
import sys

# The client's own output must not be mixed with the values.
answers = sys.stdout
sys.stdout = sys.stderr

import weave

project, name = sys.argv[1:]
client = weave.init(project)


@weave.op
def inner(value):
    return value


@weave.op
def outer(value):
    return inner(value)


for n in itertools.count():
    value = f"{name}-{n}"
    outer(value)
    # Background threads write the records.
    client.future_executor.flush()
    print(value, file=answers, flush=True)
