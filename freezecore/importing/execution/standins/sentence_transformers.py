"""`sentence-transformers`: a model in a sequence of modules, the first of which holds a transformer."""

from __future__ import annotations

from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.standins.model import base_of, built
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.standins.transformers_trainer import TrainingArguments, TransformersTrainer
from freezecore.importing.execution.unknown import Unknown


class Transformer(Module):
    """`models.Transformer`: holds the model as `auto_model`."""

    def __init__(self, model_name_or_path=None, *args, **kwargs) -> None:
        root = built(model_name_or_path, "hf")
        self._fx_put("auto_model", base_of(root) if isinstance(root, Module) else root)

    def _fx_lacking(self, name: str):
        return self._modules["auto_model"] if name == "model" else Unknown(name, True)


class SentenceTransformer(Module):
    """A sequence of a transformer, a pooling and what else a script adds."""

    def __init__(self, model_name_or_path=None, *args, modules=None, **kwargs) -> None:
        listed = (
            modules if isinstance(modules, (list, tuple)) else [Transformer(model_name_or_path), kind_of("Pooling")()]
        )
        for at, module in enumerate(listed):
            self._fx_put(str(at), module)

    def _first_module(self):
        return self[0]

    def _last_module(self):
        return self[-1]

    def fit(self, *args, **options) -> None:
        from freezecore.importing.execution.run import now

        stated(epochs=options.get("epochs"))
        now().trained(options.get("epochs", 1))

    def _fx_lacking(self, name: str):
        return self[0]._modules["auto_model"] if name == "transformers_model" else Unknown(name, True)


class CrossEncoder(Transformer):
    """`CrossEncoder(...).model` is the model with its head."""

    def __init__(self, model_name=None, *args, **kwargs) -> None:
        self._fx_put("model", built(model_name, "hf"))


NAMES = {
    "sentence_transformers.SentenceTransformer": SentenceTransformer,
    "sentence_transformers.SparseEncoder": SentenceTransformer,
    "sentence_transformers.CrossEncoder": CrossEncoder,
    "sentence_transformers.models.Transformer": Transformer,
    "sentence_transformers.cross_encoder.CrossEncoder": CrossEncoder,
}
OTHER = (
    (r".*\.(Pooling|Dense|Normalize|SpladePooling|SparseAutoEncoder)", kind_of),
    (r".*Trainer", lambda name: TransformersTrainer),
    (r".*TrainingArguments", lambda name: TrainingArguments),
)
