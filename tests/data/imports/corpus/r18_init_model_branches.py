# seen: yoshimochi/Recognizing-Flowers flower/recognition/model.py; PyTorch fine-tuning tutorial
# model: timm:resnet18
# read: model_ft
import torch.nn as nn
from torchvision import models

def set_parameter_requires_grad(model, feature_extracting):
    if feature_extracting:
        for param in model.parameters():
            param.requires_grad = False

def initialize_model(model_name, num_classes, feature_extract, use_pretrained=True):
    model_ft = None
    input_size = 0
    if model_name == "resnet":
        model_ft = models.resnet18(pretrained=use_pretrained)
        set_parameter_requires_grad(model_ft, feature_extract)
        num_ftrs = model_ft.fc.in_features
        model_ft.fc = nn.Linear(num_ftrs, num_classes)
        input_size = 224
    elif model_name == "alexnet":
        model_ft = models.alexnet(pretrained=use_pretrained)
        set_parameter_requires_grad(model_ft, feature_extract)
    else:
        print("Invalid model name, exiting...")
        exit()
    return model_ft, input_size

model_ft, input_size = initialize_model("resnet", 2, True)
params_to_update = model_ft.parameters()
params_to_update = []
for name, param in model_ft.named_parameters():
    if param.requires_grad == True:
        params_to_update.append(param)
        print("\t", name)
optimizer_ft = torch.optim.SGD(params_to_update, lr=0.001, momentum=0.9) if False else None
