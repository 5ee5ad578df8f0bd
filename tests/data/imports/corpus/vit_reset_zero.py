# seen: ours
# model: timm:vit_tiny_patch16_224
# read: model
import timm
import torch.nn as nn
model = timm.create_model('vit_tiny_patch16_224', pretrained=False)
model.requires_grad_(False)
model.reset_classifier(0)
model.head = nn.Linear(192, 8)
