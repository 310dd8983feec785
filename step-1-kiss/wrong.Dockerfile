# What many people write first. It is kept so that you can see what is wrong with it.
FROM python:3.14
WORKDIR /app
COPY . .
RUN pip install flask
CMD flask --app hello.main run --port 8000
