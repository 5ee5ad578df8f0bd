# seen: brian6091/Dreambooth src/models.py
# model: bert
# read: model
import itertools


def freeze_params(params):
    for param in params:
        param.requires_grad = False


def unfreeze_params(params):
    for param in params:
        param.requires_grad = True


freeze_params(
    itertools.chain(
        model.bert.encoder.parameters(),
        model.bert.embeddings.position_embeddings.parameters(),
        model.bert.embeddings.LayerNorm.parameters(),
    )
)
unfreeze_params(model.bert.encoder.layer[-1].attention.parameters())
