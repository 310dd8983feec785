# Production without pip and without a shell. A layer on top would hide the files; a new first layer leaves them behind.
FROM production AS files
USER 0
RUN rm -rf /usr/local/lib/python3.*/site-packages/pip* /usr/local/lib/python3.*/ensurepip /usr/local/bin/pip* && \
    rm /usr/bin/bash /usr/bin/dash /usr/bin/sh


FROM scratch AS pruned
COPY --from=files / /
