import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.get("/")
async def index():
    return "A room"


@app.get("/report")
async def report():
    await asyncio.sleep(2)
    return "done"


@app.websocket("/room")
async def room(visitor: WebSocket):
    await visitor.accept()
    async for said in visitor.iter_text():
        await visitor.send_text(f"You said: {said}")
