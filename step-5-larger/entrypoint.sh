#!/bin/sh
# What the container does: web (the default), dev, test, manage COMMAND, or any other command as given.
set -eu

prepare_database() {
    # As PID 1 this shell would ignore SIGTERM while it waits: leave at once instead.
    trap 'exit 143' TERM
    python src/manage.py prepare_database &
    wait $!
    trap - TERM
}

case "${1:-web}" in
    web)
        prepare_database
        # exec: uWSGI becomes PID 1 and gets the signals itself.
        exec uwsgi --ini uwsgi.ini
        ;;
    dev)
        prepare_database
        export DEBUG=1
        exec python src/manage.py runserver "0.0.0.0:$PORT"
        ;;
    test)
        shift
        exec python -m pytest "$@"
        ;;
    manage)
        shift
        exec python src/manage.py "$@"
        ;;
    *)
        exec "$@"
        ;;
esac
