#!/bin/sh
# Send one report to Spikewatch, then ask what became of it. Needs curl.
#
#   SPIKEWATCH_URL=http://127.0.0.1:8080 SPIKEWATCH_KEY=... sh send.sh
#
# The record below is everything that is required and a little more. No name, no birth date, no phone number: they are
# dropped or refused. Repeat a request that got no answer with the same Idempotency-Key: it counts once.
set -eu

: "${SPIKEWATCH_URL:?set SPIKEWATCH_URL to the gateway, for example http://127.0.0.1:8080}"
: "${SPIKEWATCH_KEY:?set SPIKEWATCH_KEY to the key of your agency (spikewatch agency-keys issue AGENCY)}"

now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
record="EXAMPLE-SH-$(date -u +%s)-$$"

receipt=$(curl --fail-with-body --silent --show-error --max-time 30 --retry 5 \
  --header "Authorization: Bearer $SPIKEWATCH_KEY" \
  --header "Content-Type: application/json" \
  --header "Idempotency-Key: $record" \
  --data "{\"record_id\": \"$record\", \"occurred_at\": \"$now\", \"lat\": 30.2712, \"lon\": -44.9412,
           \"outcome\": \"nonfatal\", \"reversal_given\": \"yes\", \"reversal_doses\": 2, \"age\": 34, \"sex\": \"female\"}" \
  "$SPIKEWATCH_URL/v1/submissions?format=statutory") || { echo "refused: $receipt" >&2; exit 1; }
echo "accepted: $receipt"

# The answer 202 means: stored, safe from any crash. A moment later the receipt tells what each record became.
id=$(printf '%s' "$receipt" | sed 's/.*"submission_id" *: *"\([^"]*\)".*/\1/')
curl --fail-with-body --silent --show-error --max-time 30 \
  --header "Authorization: Bearer $SPIKEWATCH_KEY" "$SPIKEWATCH_URL/v1/submissions/$id"
echo
