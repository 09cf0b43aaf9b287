"""The doctor names each profile that does not fit the uploads of the database."""

import os
from pathlib import Path

from sqlalchemy import insert

from broker.db.models import UsedProfile
from broker.db.session import Database
from tests.contract.test_used_profiles import PHOTO, upload
from tests.doctor.conftest import Environment


def test_a_profile_that_is_missing_is_a_failure(no_bucket: Environment, tmp_path: Path) -> None:
    fitting = no_bucket.doctor().of("profiles", "ok")
    assert fitting["detail"] == "ad_image, avatar fit the uploads of the database"
    database = Database(os.environ["BROKER_DATABASE_URL"])
    with database.session() as session:
        used = {"prefix": PHOTO.prefix, "visibility": "public", "owners": "token"}
        session.execute(insert(UsedProfile).values(name="photo", **used))
        session.commit()
    upload(database, PHOTO)
    database.dispose()
    fault = no_bucket.doctor().of("profiles", "fail")
    assert fault["detail"] == "photo: the profile is missing, but has uploads"
    assert fault["setting"] == "BROKER_PROFILES_FILE"
    file = tmp_path / "profiles.toml"
    file.write_text('[photo]\nprefix = "photos/product_{owner}/"\ncontent_types = ["image/jpeg"]\n')
    no_bucket.set(PROFILES_FILE=str(file))
    assert "photo fit" in no_bucket.doctor().of("profiles", "ok")["detail"]
