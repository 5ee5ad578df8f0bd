# seen: public code search: two-stage training, freeze_backbone then unfreeze_layers
# model: timm:resnet18
# read: model
from torchvision.models import resnet18
model = resnet18()

def freeze_backbone(model):
    for name, p in model.named_parameters():
        p.requires_grad = name.startswith("fc")

def unfreeze_layers(model, n):
    params = list(model.parameters())
    for p in params[-n:]:
        p.requires_grad = True

freeze_backbone(model)
unfreeze_layers(model, n=10)
