#!/bin/sh
set -e
# An option, or something that is no command, is meant for node.
case "${1:-}" in
  -*) set -- node "$@" ;;
  *) if [ -z "$(command -v -- "${1:-}")" ] || { [ -f "$1" ] && [ ! -x "$1" ]; }; then set -- node "$@"; fi ;;
esac
exec "$@"
