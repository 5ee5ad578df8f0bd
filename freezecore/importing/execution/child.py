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
    from freezecore.importing.execution import answer as _  # noqa: F401 (before nothing can be opened any more)
    from freezecore.importing.execution import walls
    from freezecore.importing.execution.needed import load

    load(text)
    raised = walls.raise_walls()
    sys.stdout.write(sentences.dumps({**answered(text, tree), "walls": raised}))
    sys.stdout.flush()


def answered(text: str, tree: dict) -> dict:
    """What a run of the script comes to; whatever goes wrong in it is a `problem`."""
    from freezecore.importing.execution.answer import answer

    try:
        return answer(text, tree)
    except SyntaxError as error:
        return {"problem": "syntax", "line": error.lineno, "why": error.msg}
    except (RecursionError, MemoryError) as error:
        return {"problem": "deep" if isinstance(error, RecursionError) else "memory"}
    except ValueError as error:
        return {"problem": "syntax", "line": 1, "why": str(error)[:200]}
    except Exception as error:
        return {"problem": "refused" if type(error).__name__ == "NotPython" else "failed", "why": f"{error}"[:300]}


if __name__ == "__main__":
    main()
