#!/bin/sh
# Sends a picture through two filters: sh process.sh ADDRESS PICTURE RESULT
set -eu
filters='filter=grayscale&filter=blur:kernel_size=15,sigma=4'
if ! curl --silent --show-error --fail-with-body --data-binary "@$2" \
  "http://$1/api/v1/process/image?$filters&format=png" --output "$3"; then
  # The response is not a picture: it is an error that says what was wrong.
  cat "$3" >&2
  exit 1
fi
