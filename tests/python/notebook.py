"""Runs a notebook in the folder that holds it and prints it with its outputs: notebook.py FILE"""
import os
import sys

import nbclient
import nbformat

path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
resources = {"metadata": {"path": os.path.dirname(path)}}
# the second limit is for outputs: by default they are dropped after 4 s, which is too short on a busy machine
nbclient.NotebookClient(notebook, kernel_name="deno", timeout=300, iopub_timeout=300, resources=resources).execute()
nbformat.write(notebook, sys.stdout)
