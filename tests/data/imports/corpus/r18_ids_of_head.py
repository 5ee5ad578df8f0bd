# seen: zhangruochi/AlgorithmImplementation pytorch_snippet/lr.py
# model: timm:resnet18
# read: model
import torch, torchvision
model = torchvision.models.resnet18(pretrained=True)
finetuned = list(map(id, model.fc.parameters()))
base = (p for p in model.parameters() if id(p) not in finetuned)
for p in base:
    p.requires_grad = False
optimizer = torch.optim.SGD([{"params": model.fc.parameters()}], lr=1e-2, momentum=0.9, weight_decay=1e-4)
