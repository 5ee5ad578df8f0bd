# seen: llm-random/llm-random research/projected_distillation/utils.py
# model: bert
# read: model
FREEZE_PARAMS_REGULES = [
    ".attention.self.query.",
    ".intermediate.dense.weight",
]

def freeze_projected_params(model):
    for name, param in model.named_parameters():
        if any([reg in name for reg in FREEZE_PARAMS_REGULES]):
            param.requires_grad = False
    return model

model = freeze_projected_params(model)
