# seen: mlfoundations/open_clip src/open_clip/timm_model.py
# model: timm:vit_tiny_patch16_224
# read: model
from timm.models import group_parameters, group_modules

matcher = model.group_matcher()
gparams = group_parameters(model, matcher)
max_layer_id = max(gparams.keys()) - 2
for group_idx in range(max_layer_id + 1):
    for param in gparams[group_idx]:
        model.get_parameter(param).requires_grad = False
