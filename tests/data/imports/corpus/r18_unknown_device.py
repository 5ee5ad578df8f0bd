# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
model = model.to(device)
if torch.cuda.device_count() > 64:
    model = nn.DataParallel(model)
for p in model.layer1.parameters():
    p.requires_grad = False
