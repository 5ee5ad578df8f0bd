"""The process that runs one pasted script: read it, raise the walls, run it, answer in JSON, end.

Started as `python -I -S child.py FOLDER…`: the folders hold this package and the compiler.
"""

import marshal
import sys


def main() -> None:
    sys.path[:0] = sys.argv[1:]
    package = type(sys)("RestrictedPython")  # of which only the transformer is needed, and not what it imports besides
    package.__path__ = [f"{sys.argv[-1]}/RestrictedPython"]
    sys.modules["RestrictedPython"] = package
    text, tree = marshal.loads(sys.stdin.buffer.read())
    from freezecore import sentences
    from freezecore.importing.execution import walls
    from freezecore.importing.execution.answer import answer
    from freezecore.importing.execution.needed import load

    load(text)
    raised = walls.raise_walls()
    try:
        found = answer(text, tree)
        found["walls"] = raised
    except SyntaxError as error:
        found = {"problem": "syntax", "line": error.lineno, "why": error.msg}
    except (RecursionError, MemoryError) as error:
        found = {"problem": "deep" if isinstance(error, RecursionError) else "memory"}
    except ValueError as error:
        found = {"problem": "syntax", "line": 1, "why": str(error)[:200]}
    except Exception as error:
        found = {"problem": "refused" if type(error).__name__ == "NotPython" else "failed", "why": f"{error}"[:300]}
    sys.stdout.write(sentences.dumps(found))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
