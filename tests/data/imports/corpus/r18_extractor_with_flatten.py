# seen: SuperrMurlocc/dlf-projekt face_embedder/resnet/feature_extractor.py
# model: timm:resnet18
# read: resnet
import torch
import torchvision.models as models

resnet = models.resnet18(pretrained=True)
feature_extractor = torch.nn.Sequential(*list(resnet.children())[:-1], torch.nn.Flatten())

for param in feature_extractor.parameters():
    param.requires_grad = False
