# seen: stolzor/classification_simpsons model.py
# model: timm:resnet18
# read: model
from torchvision import models
import torch

model = models.resnet18()
model.load_state_dict(torch.load("weights/before.pt")) if False else None

for i, param in enumerate(model.parameters()):
    if i <= 45:
        param.requires_grad = False

num_class = 42
model.fc = torch.nn.Linear(512, num_class)
