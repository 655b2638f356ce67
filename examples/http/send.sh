#!/bin/sh
# Record that a user saw artworks, with curl:
#
#   examples/http/send.sh http://127.0.0.1:8080 u42 a0042 a0043
#
# A token, if the collector wants one, is in IMPRESSIONS_TOKEN. Prints the collector's answer once all of it is stored.
# Otherwise it says why on stderr and keeps the body in a file, which may be sent whenever you like.
set -eu
endpoint=$1 user=$2
shift 2

for id in "$user" "$@"; do
  case $id in
  "" | *[!A-Za-z0-9._:-]*) echo "an id is 1 to 128 of A-Z a-z 0-9 . _ : -, not '$id'" >&2 && exit 2 ;;
  esac
done

folder=$(mktemp -d)
body=$folder/body answer=$folder/answer headers=$folder/headers
trap 'rm -rf "$folder"' EXIT
new_id() { cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen; }
now=$(date +%s)000

# Once, before the first attempt: what is sent again has the same ids, so the stream counts it once.
{
  printf '{"v":1,"flush_id":"%s","user_id":"%s","sent_at":%s,"impressions":[' "$(new_id)" "$user" "$now"
  comma=
  for artwork in "$@"; do
    printf '%s{"impression_id":"%s","artwork_id":"%s","seen_at":%s}' "$comma" "$(new_id)" "$artwork" "$now"
    comma=,
  done
  printf ']}'
} >"$body"

# A file, not an argument, which everybody on this machine could read.
(umask 077 && printf '%s' "${IMPRESSIONS_TOKEN:+Authorization: Bearer $IMPRESSIONS_TOKEN}" >"$folder/token")

give_up_at=$(($(date +%s) + 120))
failures=0
while :; do
  : >"$headers"
  status=$(curl --silent --max-time 20 --noproxy localhost,127.0.0.1,::1 \
    --header "Content-Type: application/json" --header "@$folder/token" --data-binary "@$body" \
    --output "$answer" --dump-header "$headers" --write-out '%{http_code}' "$endpoint/v1/impressions") || status=000
  case $status in
  2??) # Anything else that answers 2xx, such as a login page, has stored nothing.
    if grep -q '^ *{ *"accepted" *: *[0-9]' "$answer"; then
      cat "$answer"
      exit 0
    fi
    ;;
  400 | 401 | 403 | 413 | 415) break ;; # the same would be refused again
  esac
  wait=$(sed -n 's/^[Rr][Ee][Tt][Rr][Yy]-[Aa][Ff][Tt][Ee][Rr]: *\([0-9][0-9]*\).*/\1/p' "$headers" | tail -n 1)
  # What the collector asks for and up to half as much more; without it, at random up to twice as long each time.
  pause=$(awk -v wait="$wait" -v failures="$failures" -v seed="$$$(date +%s)" 'BEGIN {
    srand(seed); longest = 0.5 * 2 ^ failures; if (longest > 30) longest = 30
    print wait == "" ? rand() * longest : wait * (1 + rand() / 2) }')
  failures=$((failures + 1))
  if [ "$(awk -v now="$(date +%s)" -v pause="$pause" 'BEGIN { print int(now + pause) }')" -ge "$give_up_at" ]; then
    break
  fi
  sleep "$pause"
done
trap - EXIT
rm -f "$folder/token"
echo "the collector answered $status: $(cat "$answer" 2>/dev/null)" >&2
echo "not recorded; keep $body and send it again" >&2
exit 1
