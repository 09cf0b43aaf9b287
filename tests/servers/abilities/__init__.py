"""What each S3 server does, case by case: the rows of the tables in docs/s3-servers.md.

A case is a function of a `Trial` that returns in a few words what the server answered.
"""

from tests.servers.abilities.configuration import CONFIGURATION
from tests.servers.abilities.forms import FORMS
from tests.servers.abilities.keys import KEYS
from tests.servers.abilities.objects import OBJECTS
from tests.servers.abilities.parts import PARTS
from tests.servers.abilities.puts import PUTS
from tests.servers.abilities.trial import Ability, Trial

ABILITIES: dict[str, dict[str, Ability]] = {
    "forms": FORMS,
    "presigned PUT": PUTS,
    "multipart uploads": PARTS,
    "objects": OBJECTS,
    "keys": KEYS,
    # Last, because it changes the bucket.
    "configuration": CONFIGURATION,
}

Seen = dict[str, dict[str, str]]


def observe(trial: Trial) -> Seen:
    """Try everything on one server; return the answers by table and case."""
    return {
        table: {case: ability(trial) for case, ability in cases.items()}
        for table, cases in ABILITIES.items()
    }
