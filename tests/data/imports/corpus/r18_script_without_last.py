# seen: whyang78/libtorch 4_迁移学习猫狗大战/generate_script.py
# model: timm:resnet18
# read: resnet18
import torch
import torchvision.models as models

resnet18 = models.resnet18(pretrained=True)
for param in resnet18.parameters():
	param.requires_grad = False

resnet18.fc = torch.nn.Linear(512, 2)
for param in resnet18.fc.parameters():
	param.requires_grad = True
example_input = torch.rand(1, 3, 224, 224)
