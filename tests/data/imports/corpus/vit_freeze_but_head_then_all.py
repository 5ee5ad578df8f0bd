# seen: harvey-wei/dl_tutorial dl_torch_freez_pretrained.py
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn

num_classes = 10
model = timm.create_model('vit_tiny_patch16_224', pretrained=True)
model.head = nn.Linear(model.head.in_features, num_classes)
for name, param in model.named_parameters():
    if not name.startswith('head'):
        param.requires_grad = False
model.requires_grad_(False)
trainable = [name for name, p in model.named_parameters() if p.requires_grad]
print("Trainable parameters:", trainable)
