# seen: DanisAlukaev/XCBs autoconcept/callbacks.py, its loop inlined
# model: timm:resnet18
# read: model
from torchvision.models import resnet18
model = resnet18()
for param in model.parameters():
    param.requires_grad = False
model.fc.requires_grad = True
print("Backbone's weights were frozen!")
