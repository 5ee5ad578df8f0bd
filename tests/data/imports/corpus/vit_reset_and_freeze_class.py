# seen: public code search: ViT(model_name, num_classes, freeze) over timm
# model: timm:vit_tiny_patch16_224
# read: net.model
import timm
import torch.nn as nn


class ViT(nn.Module):
    def __init__(self, model_name: str, num_classes: int, freeze: bool):
        super(ViT, self).__init__()
        self.model = timm.create_model(model_name=model_name, pretrained=True)
        self.model.reset_classifier(num_classes)
        if freeze:
            for name, param in self.model.named_parameters():
                if "head" not in name:
                    param.requires_grad = False


net = ViT("vit_tiny_patch16_224", 7, True)
