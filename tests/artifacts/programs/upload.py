"""Upload photo.jpg with the installed client; print where the client is, and the photo's URL."""

import json
import os
import sys

import broker_client

with broker_client.Broker(os.environ["BROKER_URL"], token=os.environ["TOKEN"]) as broker:
    image = broker.upload("photo.jpg", ad=int(os.environ["AD"]), alt_text="Python")
answer = {"client": broker_client.__file__, "url": image.image_url}
sys.stdout.write(json.dumps(answer))
