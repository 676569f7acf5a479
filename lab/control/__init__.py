"""The only way to ask the engine for something: an HTTP API and its client.

`port` says what the engine offers; `api` serves it; `server` runs the API beside the engine; `client` asks;
`status` and `waits` put the lab's state into words. Heavy imports (FastAPI, uvicorn) stay in `api` and `server`.
"""
