# seen: public code search: Binary_EfficientNet.higher_level_parameters
# model: timm:resnet18
# read: net
import torchvision

net = torchvision.models.resnet18()


def classifier_parameters():
    return net.fc.parameters()


def higher_level_parameters():
    hl_parameters = []
    hl_parameters += list(net.layer4[1].parameters())
    for block in net.layer3[1:]:
        hl_parameters += list(block.parameters())
    return hl_parameters


def freeze(parameters):
    for parameter in parameters:
        parameter.requires_grad = False


def thaw(parameters):
    for parameter in parameters:
        parameter.requires_grad = True


freeze(net.parameters())
thaw(classifier_parameters())
thaw(higher_level_parameters())
