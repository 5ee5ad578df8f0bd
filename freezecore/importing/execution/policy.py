"""The compiler's policy: RestrictedPython's, widened to what training scripts hold, and never to what leads out.

Attributes, items, calls, imports and writes go through the guards of `guards.py`. Of names with two underscores a
closed list may be used; any other attribute of that kind is unknown when it is read, and refused where it would be
written.
"""

from __future__ import annotations

import ast
import re

from RestrictedPython.transformer import INSPECT_ATTRIBUTES, RestrictingNodeTransformer, copy_locations

READ = frozenset(("__name__", "__class__", "__doc__", "__version__", "__len__", "__call__", "__init__", "__file__"))
DEFINED = READ | {
    f"__{name}__"
    for name in (
        "post_init", "iter", "next", "getitem", "setitem", "delitem", "contains", "enter", "exit", "aenter", "aexit",
        "aiter", "anext", "repr", "str", "eq", "ne", "lt", "le", "gt", "ge", "hash", "bool", "add", "sub", "mul",
        "truediv", "floordiv", "mod", "radd", "rmul", "neg", "getattr", "all", "author", "slots",
    )
}  # fmt: skip
NEVER = INSPECT_ATTRIBUTES | {"mro", "with_traceback", "obj", "__traceback__", "tb_lasti", "gi_running"}
HOOK = re.compile(r"_fx_\w*|_[A-Za-z]+_|_tmp\d+|_print")
EPOCH = re.compile(r"epoch|^ep$|^e$", re.IGNORECASE)
MODEL_NAMES = ("model", "net", "network", "backbone", "student", "model_ft")
SCOPES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.FunctionDef, ast.ClassDef)
ALLOWED_AS_THEY_ARE = ("Match", "match_case", "MatchSingleton", "MatchSequence", "MatchOr", "With", "ExceptHandler")


def readable(name: str) -> bool:
    """Whether an attribute of this name may be read."""
    return name not in NEVER and (name in READ or not (name.startswith("__") and name.endswith("__")))


def writable(name: str) -> bool:
    """Whether an attribute of this name may be set."""
    return readable(name) and not name.startswith("__") and not name.startswith("_fx_")


class Policy(RestrictingNodeTransformer):
    """Turns a script's syntax tree into one that reaches nothing but the guards."""

    def __init__(self, errors=None, warnings=None, used_names=None) -> None:
        super().__init__(errors, warnings, used_names)
        self.depth = 0
        self.classes: list[str] = []

    def check_name(self, node, name, allow_magic_methods=False) -> None:
        if name in (None, "_", "__", "_base_"):
            return
        if name.startswith("__") and name.endswith("__"):
            if name not in DEFINED:
                self.error(node, f"'{name}' is not run here")
        elif HOOK.fullmatch(name):
            self.error(node, f"'{name}' is a name that is kept for other use")

    def visit_Constant(self, node):
        return node

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load) and node.id.startswith("__") and node.id not in READ:
            return _call("_fx_refused_", node, [ast.Constant(node.id)])
        self.check_name(node, node.id)
        return node

    def visit_Attribute(self, node):
        if not isinstance(node.ctx, ast.Load) and not writable(node.attr):
            self.error(node, f"'{node.attr}' is not set here")
        node = self.node_contents_visit(node)
        if isinstance(node.ctx, ast.Load):
            return _call("_getattr_", node, [node.value, ast.Constant(self._mangled(node.attr))])
        node.value = _call("_write_", node.value, [node.value])
        return node

    def _mangled(self, name: str) -> str:
        """A class's private name, as Python stores it."""
        private = self.classes and name.startswith("__") and not name.endswith("__")
        return f"_{self.classes[-1].lstrip('_')}{name}" if private else name

    def visit_Call(self, node):
        bare = isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args
        node = self.node_contents_visit(node)
        for each in node.keywords:
            if each.arg is None:
                each.value = _call("_fx_mapping_", each.value, [each.value])
        if bare:
            return node
        return _at(ast.Call(ast.Name("_fx_call_", ast.Load()), [node.func, *node.args], node.keywords), node)

    def visit_JoinedStr(self, node):
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = self.visit(part.format_spec) if part.format_spec else ast.Constant("")
                value = [self.visit(part.value), ast.Constant(part.conversion), spec]
                parts.append(_at(ast.Tuple(value, ast.Load()), node))
            else:
                parts.append(part)
        return _call("_fx_text_", node, parts)

    def visit_Compare(self, node):
        node = self.node_contents_visit(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
            values = [node.left, node.comparators[0], ast.Constant(isinstance(node.ops[0], ast.Is))]
            return _call("_fx_is_", node, values)
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            values = [node.left, node.comparators[0], ast.Constant(isinstance(node.ops[0], ast.In))]
            return _call("_fx_in_", node, values)
        if len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            values = [node.left, node.comparators[0], ast.Constant(isinstance(node.ops[0], ast.Eq))]
            return _call("_fx_equal_", node, values)
        return node

    # Assignments
    def visit_Assign(self, node):
        node = self.node_contents_visit(node)
        name = getattr(node.targets[0], "id", getattr(node.targets[0], "attr", ""))
        if len(node.targets) == 1 and name in MODEL_NAMES and isinstance(node.value, ast.Call):
            node.value = _call("_fx_model_", node, [node.value, ast.Constant(name)])
        specs = [_spec(target) for target in node.targets]
        if any(specs):
            called = isinstance(node.value, ast.Call)
            node.value = _call("_fx_unpack_", node, [node.value, next(_at(s, node) for s in specs if s)])
            parts = getattr(node.targets[0], "elts", [])
            names = [getattr(part, "id", getattr(part, "attr", "")) for part in parts]
            if called and any(name in MODEL_NAMES for name in names):
                names = [name if name in MODEL_NAMES else "" for name in names]
                node.value = _call("_fx_models_", node, [node.value, ast.Constant(" ".join(names))])
        return node

    def visit_AnnAssign(self, node):
        if isinstance(node.target, ast.Name) and (node.value is None or self.in_class):
            node = (
                ast.AnnAssign(
                    self.visit(node.target), ast.Constant("object"), self.visit(node.value) if node.value else None, 1
                )
                if self.in_class
                else ast.Pass()
            )
            return ast.fix_missing_locations(node)
        if node.value is None:
            return _at(ast.Pass(), node)
        return self.visit(_at(ast.Assign([node.target], node.value), node))

    in_class = False

    def visit_AugAssign(self, node):
        sign = ast.Constant(type(node.op).__name__)
        if isinstance(node.target, ast.Name):
            name = node.target.id
            self.visit(node.target)
            given = [sign, ast.Name(name, ast.Load()), self.visit(node.value), ast.Constant(name)]
            value = _call("_fx_augmented_", node, given)
            return _at(ast.Assign([_at(ast.Name(name, ast.Store()), node)], value), node)
        if isinstance(node.target, ast.Attribute):
            if not writable(node.target.attr):
                self.error(node, f"'{node.target.attr}' is not set here")
            place = [self.visit(node.target.value), ast.Constant(self._mangled(node.target.attr))]
            return _at(ast.Expr(_call("_fx_aug_attribute_", node, [sign, *place, self.visit(node.value)])), node)
        place = [self.visit(node.target.value), self.visit(node.target.slice)]
        return _at(ast.Expr(_call("_fx_aug_item_", node, [sign, *place, self.visit(node.value)])), node)

    def visit_NamedExpr(self, node):
        return self.node_contents_visit(node)

    def visit_Delete(self, node):
        return self.node_contents_visit(node)

    # Loops
    def guard_iter(self, node):
        node = self.node_contents_visit(node)
        if isinstance(node, ast.comprehension):
            node.is_async = 0
        spec = _spec(node.target)
        node.iter = _call("_getiter_", node.iter, [node.iter, *([_at(spec, node.iter)] if spec else [])])
        return node

    def visit_BinOp(self, node):
        node = self.node_contents_visit(node)
        if isinstance(node.op, ast.Mod):
            return _call("_fx_mod_", node, [node.left, node.right])
        if isinstance(node.op, (ast.Sub, ast.BitAnd, ast.BitXor)):
            sign = ast.Constant(type(node.op).__name__)
            return _call("_fx_combined_", node, [sign, node.left, node.right])
        return node

    def visit_For(self, node):
        named = isinstance(node.target, ast.Name) and EPOCH.search(node.target.id)
        trains = any(isinstance(each, ast.Attribute) and each.attr in ("backward", "step") for each in ast.walk(node))
        node = self.guard_iter(node)
        if named or trains:
            node.iter.func.id = "_fx_training_"
            node.iter.args.insert(1, ast.Constant(bool(named)))
        return node

    def visit_AsyncFor(self, node):
        return self.visit_For(_at(ast.For(node.target, node.iter, node.body, node.orelse), node))

    def visit_While(self, node):
        node = self.node_contents_visit(node)
        node.test = _call("_fx_while_", node, [node.test])
        return node

    # Definitions
    def visit_FunctionDef(self, node):
        self.check_name(node, node.name)
        self.check_function_argument_names(node)
        self.check_arguments(node)
        was, self.in_class, self.depth = self.in_class, False, self.depth + 1
        node = self.node_contents_visit(node)
        self.in_class, self.depth = was, self.depth - 1
        node.decorator_list = [_call("_fx_decorator_", each, [each]) for each in node.decorator_list]
        node.body = _recovering(node.body)
        return node

    def visit_AsyncFunctionDef(self, node):
        """Nothing here waits: what is asynchronous is run in order."""
        plain = ast.FunctionDef(node.name, node.args, node.body, node.decorator_list, node.returns)
        return self.visit(_at(plain, node))

    def visit_Await(self, node):
        return self.visit(node.value)

    def visit_AsyncWith(self, node):
        return self.visit(_at(ast.With(node.items, node.body), node))

    def visit_Lambda(self, node):
        self.check_function_argument_names(node)
        self.check_arguments(node)
        self.depth += 1
        node = self.node_contents_visit(node)
        self.depth -= 1
        return node

    def check_arguments(self, node) -> None:
        """Annotations are not run; names of arguments are stored names."""
        node.returns = None
        arguments = node.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if each is not None:
                each.annotation = None

    def visit_Return(self, node):
        node = self.node_contents_visit(node)
        return node if self.depth else _at(ast.Expr(node.value or ast.Constant(None)), node)

    def visit_Yield(self, node):
        return self.node_contents_visit(node) if self.depth else node.value or ast.Constant(None)

    def visit_ClassDef(self, node):
        self.check_name(node, node.name)
        self.classes.append(node.name)
        was, self.in_class, depth, self.depth = self.in_class, True, self.depth, 0
        node = self.node_contents_visit(node)
        self.in_class, self.depth = was, depth
        self.classes.pop()
        node.keywords = []  # a metaclass, or options of one
        node.decorator_list = [_call("_fx_decorator_", each, [each]) for each in node.decorator_list]
        return node

    # Statements
    def visit_Raise(self, node):
        node = self.node_contents_visit(node)
        if node.exc is not None:
            node.exc = _call("_fx_raise_", node, [node.exc])
        node.cause = None
        return node

    def visit_Assert(self, node):
        node = self.node_contents_visit(node)
        return _at(ast.Expr(_call("_fx_assert_", node, [node.test])), node)

    def visit_Try(self, node):
        node = self.node_contents_visit(node)
        for handler in node.handlers:
            self.check_name(handler, handler.name)
            handler.body = [_at(ast.Expr(_call("_fx_handled_", handler, [])), handler), *handler.body]
        if node.handlers:
            trying = ast.With([ast.withitem(ast.Name("_fx_trying_", ast.Load()))], node.body)
            node.body = [_at(trying, node)]
        return node

    def visit_TryStar(self, node):
        self.error(node, "'except*' is not run here")
        return node

    def visit_MatchClass(self, node):
        if node.patterns or node.kwd_patterns:  # it would read attributes past the guards
            self.error(node, "a pattern that reads attributes is not run here")
        return self.visit_MatchValue(node)

    def visit_MatchValue(self, node):
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute) and not readable(each.attr):
                self.error(node, f"'{each.attr}' is not read here")
            elif isinstance(each, ast.Name):
                self.check_name(each, each.id)
        return node

    def visit_MatchAs(self, node):
        self.check_name(node, node.name)
        return self.node_contents_visit(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node):
        self.check_name(node, node.rest)
        return self.node_contents_visit(node)

    def visit_Global(self, node):
        for name in node.names:
            self.check_name(node, name)
        return node

    visit_Nonlocal = visit_Global

    def visit_Import(self, node):
        made = []
        for alias in node.names:
            target = alias.asname or alias.name.partition(".")[0]
            full = alias.name if alias.asname else target
            made.append(self._bound(node, target, _call("_fx_import_", node, [ast.Constant(full)])))
        return made

    def visit_ImportFrom(self, node):
        if node.module == "__future__":
            return _at(ast.Pass(), node)
        module = "." * node.level + (node.module or "")
        made = []
        for alias in node.names:
            if alias.name == "*":
                made.append(_at(ast.Expr(_call("_fx_star_", node, [ast.Constant(module)])), node))
            else:
                value = _call("_fx_from_", node, [ast.Constant(module), ast.Constant(alias.name)])
                made.append(self._bound(node, alias.asname or alias.name, value))
        return made

    def _bound(self, node, name: str, value):
        self.check_name(node, name)
        return _at(ast.Assign([ast.Name(name, ast.Store())], value), node)

    def visit_Module(self, node):
        node = self.node_contents_visit(node)
        node.body = _recovering(node.body)
        return node


for _name in ALLOWED_AS_THEY_ARE:
    if f"visit_{_name}" not in vars(Policy):
        setattr(Policy, f"visit_{_name}", lambda self, node: self.node_contents_visit(node))


def _at(node, where):
    copy_locations(node, where)
    return node


def _call(name: str, where, arguments: list):
    return _at(ast.Call(ast.Name(name, ast.Load()), arguments, []), where)


def _spec(target):
    """How a target takes a value apart: how many before and after a star, and the same of its own parts."""
    if not isinstance(target, (ast.Tuple, ast.List)):
        return None
    stars = [i for i, each in enumerate(target.elts) if isinstance(each, ast.Starred)]
    parts = [ast.Constant(stars[0] if stars else -1), *(_spec(each) or ast.Constant(None) for each in target.elts)]
    return ast.Tuple(parts, ast.Load())


def _recovering(body: list) -> list:
    """Each statement on its own: one that fails is told, its names become unknown, and the rest goes on."""
    return [each for statement in body for each in _guarded(statement)]


def _guarded(statement) -> list:
    if isinstance(
        statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Pass, ast.Global, ast.Nonlocal, ast.Break, ast.Continue)
    ):
        return [statement]
    if isinstance(statement, ast.Return) and isinstance(statement.value, (ast.Constant, ast.Name, type(None))):
        return [statement]
    for field in ("body", "orelse"):
        if isinstance(statement, (ast.If, ast.For, ast.While, ast.With, ast.AsyncWith)) and getattr(
            statement, field, None
        ):
            setattr(statement, field, _recovering(getattr(statement, field)))
    names = {statement.name} if isinstance(statement, ast.ClassDef) else set(_stored(statement))
    lost = [ast.Assign([ast.Name(name, ast.Store())], _lost(statement, name)) for name in sorted(names)]
    if isinstance(statement, ast.Return):
        lost.append(ast.Return(_lost(statement, "result")))
    told = ast.If(
        _call("_fx_told_", statement, [ast.Name("_fx_error", ast.Load())]), lost or [ast.Pass()], [ast.Raise()]
    )
    handler = ast.ExceptHandler(ast.Name("_fx_exception_", ast.Load()), "_fx_error", [told])
    return [_at(ast.Try([statement], [handler], [], []), statement)]


def _stored(node):
    """Names that a statement binds in its own scope."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store):
            yield node.id
    elif not isinstance(node, SCOPES):
        for child in ast.iter_child_nodes(node):
            yield from _stored(child)


def _lost(statement, name: str):
    return _call("_fx_lost_", statement, [ast.Constant(name)])
