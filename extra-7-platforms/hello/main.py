"""A small web application that says which step of the tutorial it belongs to."""

import asyncio
from typing import Annotated

from fastapi import FastAPI, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel

app = FastAPI(title="hello")


class Item(BaseModel):
    id: int
    name: str


@app.get("/")
async def index():
    return {"step": "extra-7-platforms", "message": "Hello from a container"}


@app.get("/items/{item_id}")
async def item(item_id: Annotated[int, Path(gt=0)]) -> Item:
    """An item; an id that is not a positive number is answered with 422 and the reason."""
    return Item(id=item_id, name=f"Item {item_id}")


@app.get("/health")
async def health():
    """Liveness: this process answers. It asks nobody else, so it fails for no other reason."""
    return {"status": "ok"}


@app.get("/slow")
async def slow(seconds: str = ""):
    """Answer after ``seconds`` seconds: a request to watch a shutdown with."""
    try:
        duration = float(seconds)
    except ValueError:
        duration = 0
    if not 0 < duration <= 30:
        return JSONResponse({"error": "seconds must be a number above 0 and at most 30"}, 400)
    print(f"answering in {duration} seconds")
    await asyncio.sleep(duration)
    return {"slept": duration}
