# seen: loan1/TransferLearning_Covid19 note_book/ResNet-custom.py
# model: timm:resnet18
# read: model
import torch.nn as nn
from torchvision.models import resnet18

model = resnet18(pretrained=True)
numFeatures = model.fc.in_features
for module, param in zip(model.modules(), model.parameters()):
    if isinstance(module, nn.BatchNorm2d):
        param.requires_grad = False
headModel = nn.Sequential(nn.Linear(numFeatures, 512), nn.ReLU(), nn.Dropout(0.25), nn.Linear(512, len(trainDS.classes)))
model.fc = headModel
model = model.to(config.DEVICE)
