"""Runs a notebook in the folder that holds it and prints it with its outputs: notebook.py FILE"""
import os
import queue
import sys

import nbclient
import nbformat

path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
resources = {"metadata": {"path": os.path.dirname(path)}}
# the second limit is for outputs: by default they are dropped after 4 s, which is too short on a busy machine
client = nbclient.NotebookClient(notebook, kernel_name="deno", timeout=300, iopub_timeout=300, resources=resources)


async def take_late_output(cell, cell_index, execute_reply):
    """Waits for a result that comes after the end of its cell: Deno's kernel sends the two independently."""
    while not cell.outputs:
        try:
            message = await client.kc.iopub_channel.get_msg(timeout=30)
        except queue.Empty:
            return
        if message["parent_header"].get("msg_id") == execute_reply["parent_header"]["msg_id"]:
            client.process_message(message, cell, cell_index)


client.on_cell_executed = take_late_output
client.execute()
nbformat.write(notebook, sys.stdout)
