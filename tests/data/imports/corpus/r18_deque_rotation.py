# seen: ours
# model: timm:resnet18
# read: model
import torch, torchvision
import torch.nn as nn
from torchvision.models import resnet18
model = resnet18()
from collections import deque
q = deque(model.children())
q.popleft().requires_grad_(False)
q.pop().requires_grad_(False)
