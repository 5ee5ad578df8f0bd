# seen: public code search: freeze_model(model, num_layers=6) with a counter
# model: timm:resnet18
# read: model
from torchvision.models import resnet18

def freeze_model(model, num_layers=6):
    ct = 0
    for child in model.children():
        if ct < num_layers:
            for param in child.parameters():
                param.requires_grad = False
        ct += 1
    return model

if __name__ == "__main__":
    model = resnet18()
    model = freeze_model(model, num_layers=6)
