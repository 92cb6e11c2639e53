"""Where data frames are worked on, beside `_frame`: one module for each kind of rows.

Comes in: polars frames, from the modules of the stages. Goes out: frames, or plain records made of them.
Stages touch a frame only through `_frame` and these modules, so they know no library of frames.
"""
