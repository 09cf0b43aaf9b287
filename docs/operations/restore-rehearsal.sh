#!/usr/bin/env bash
# Rehearses a restore: dumps SOURCE while it is written to, restores the dump into TARGET, an empty
# database, brings it up to date, and compares it with the bucket. SOURCE and the bucket are only
# read. The last line is the verdict; exit status 0: this backup can be restored, 1: it cannot,
# 2: it could not be told.
#
#   restore-rehearsal.sh SOURCE TARGET [DUMP]      DUMP: rehearse with this one instead of a new one
#
# SOURCE and TARGET are PostgreSQL URLs. The bucket is the one that BROKER_* and AWS_* name, as for
# any command of the broker; pg_dump must not be older than the server. Passwords belong into
# ~/.pgpass or PGPASSWORD: a URL is seen by everybody on this machine.
set -euo pipefail
trap 'echo "verdict: could not be told" >&2; exit 2' ERR

if [ $# -lt 2 ]; then
  echo "usage: restore-rehearsal.sh SOURCE TARGET [DUMP]" >&2
  exit 2
fi
export BROKER_DATABASE_URL=$2
# What SQLAlchemy is told of its driver is not for libpq.
for_libpq() { sed -E 's/^(postgres(ql)?)[+]psycopg:/\1:/; s/([?&])prepare_threshold=[^&]*&?/\1/; s/[?&]$//' <<< "$1"; }
source_url=$(for_libpq "$1") target_url=$(for_libpq "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dump=${3:-$work/broker.dump}
query() { psql --no-psqlrc -qAt "$1" -c "$2"; }
# The keys of images and variants. A database of release 0.3 has no variants.
keys() {
  local variants
  variants=$(query "$1" "SELECT to_regclass('image_variants')")
  query "$1" "SELECT key FROM images ${variants:+UNION ALL SELECT key FROM image_variants}" | LC_ALL=C sort
}

if [ "$(query "$target_url" "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" != 0 ]; then
  echo "the target is not empty: nothing is written over" >&2
  exit 2
fi
if [ $# -lt 3 ]; then
  echo "dump    begun at $(date -u +%Y-%m-%dT%H:%M:%SZ)"
  pg_dump --format=custom --no-owner --file "$dump" "$source_url"
fi
pg_restore --exit-on-error --single-transaction --no-owner --dbname "$target_url" "$dump"
at=$(broker db upgrade)
images=$(query "$target_url" "SELECT count(*) FROM images")
echo "restore $at, $images images"

status=0
broker db verify > "$work/rows" || status=$?
[ "$status" -le 1 ]
sed 's/^/rows    /' "$work/rows"
wrong=$status

status=0
broker reconcile --json > "$work/bucket.json" || status=$?
[ "$status" -le 1 ]
# An image or a variant whose object is gone is lost, unless it was deleted after the dump: then the
# database that is in use does not have it any more, either.
python3 - "$work" "${BROKER_MEDIA_LOCATION:-media}" <<'PYTHON'
import json, pathlib, sys
work, location = pathlib.Path(sys.argv[1]), sys.argv[2].strip("/") + "/"
found = json.loads((work / "bucket.json").read_text())["differences"]
for kinds in (("missing", "differs"), ("orphan",)):
    keys = sorted(one["key"].removeprefix(location).encode() for one in found if one["kind"] in kinds)
    (work / kinds[0]).write_bytes(b"".join(key + b"\n" for key in keys))
PYTHON
keys "$source_url" > "$work/now"
LC_ALL=C comm -12 "$work/missing" "$work/now" > "$work/lost"
LC_ALL=C comm -23 "$work/missing" "$work/now" > "$work/deleted"
count() { wc -l < "$work/$1"; }
echo "bucket  $(count orphan) objects came after the dump, $(count deleted) were deleted since, $(count lost) are lost"
sed 's/^/lost    /' "$work/lost"
status=0
broker adopt --restored --dry-run > "$work/adopt" || status=$?
[ "$status" -le 1 ]
sed 's/^/adopt   /' "$work/adopt"

if [ "$wrong" != 0 ] || [ -s "$work/lost" ]; then
  echo "verdict: this backup cannot be restored as it is"
  exit 1
fi
echo "verdict: this backup can be restored"
