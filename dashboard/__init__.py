"""The operator's pages: what runs, what waits and why. A process of its own beside the engine.

`data` reads the records, `actions` asks the engine, `charts` and `markup` draw (pure), `views` put it together.
"""
