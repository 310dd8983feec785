#!/bin/sh
# Every container starts this script with a command: web (the default), dev, test, manage ..., or any other program.
set -e

prepare_database() {
    # Process 1 ignores SIGTERM unless it has a trap: a command to run then. While a program runs in the foreground, a
    # trap has to wait. So this one runs in the background (&), and `wait` waits for it ($!) or for a signal.
    trap 'exit 143' TERM
    python src/manage.py prepare_database &
    wait $!
}

case "$1" in
    web)
        prepare_database
        set -- uwsgi --ini uwsgi.ini
        ;;
    dev)
        prepare_database
        export DEBUG=1
        set -- python src/manage.py runserver "0.0.0.0:$PORT"
        ;;
    test)
        shift
        set -- python -m pytest "$@"
        ;;
    manage)
        shift
        set -- python src/manage.py "$@"
        ;;
esac
# exec lets the command take the place of this shell: it becomes process 1 and gets the signals itself.
exec "$@"
