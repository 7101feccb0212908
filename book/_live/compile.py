"""What compile.mjs runs in Pyodide: /in.zip with sources becomes /out.zip with their bytecode.

A file's path in the zip, after its first folder, is the path that tracebacks will name. The bytecode is bound
to the source's hash, never to a time, and is not checked again when it is imported (PEP 552).
"""

import importlib.util
import warnings
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc as hash_pyc

warnings.simplefilter("ignore")  # of other people's sources
with zipfile.ZipFile("/in.zip") as sources, zipfile.ZipFile("/out.zip", "w") as out:
    for name in sources.namelist():
        source = sources.read(name)
        try:
            code = compile(source, "/" + name.split("/", 1)[1], "exec", dont_inherit=True)
        except SyntaxError:
            continue  # a template, or written for another Python
        out.writestr(name + "c", hash_pyc(code, importlib.util.source_hash(source), False))
