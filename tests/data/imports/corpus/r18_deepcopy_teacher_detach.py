# seen: ours
# model: timm:resnet18
# read: student
import copy
import torch
from torch import nn
from torchvision.models import resnet18

student = resnet18()
teacher = copy.deepcopy(student)
for p in teacher.parameters():
    p.requires_grad = False
    p.detach_()
teacher.eval()
student.conv1.weight.requires_grad = False
optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
