import asyncio
from importlib.resources import files

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def index():
    return {"orders": files("orders").joinpath("orders.csv").read_text().splitlines()}


@app.get("/report")
async def report():
    await asyncio.sleep(2)
    return "done"
