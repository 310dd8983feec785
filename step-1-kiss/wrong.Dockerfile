# What people write first. Kept on purpose: the tests show what it does not do.
FROM python:3.14
WORKDIR /app
COPY . .
RUN pip install flask
CMD flask --app hello.main run --port 8000
