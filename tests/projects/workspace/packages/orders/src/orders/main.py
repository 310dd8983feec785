import asyncio

from fastapi import FastAPI
from prices.catalogue import total

app = FastAPI()


@app.get("/")
async def index():
    return {"total": total(apples=17)}


@app.get("/report")
async def report():
    await asyncio.sleep(2)
    return "done"
