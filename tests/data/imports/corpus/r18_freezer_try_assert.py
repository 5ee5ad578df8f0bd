# seen: public code search: freezer(model, finetune, blocks)
# model: timm:resnet18
# read: model
def freezer(model, finetune, blocks):
    try:
        assert (finetune >= 0) or (finetune == True) or (finetune == False)
    except AssertionError:
        print("Make sure the `finetune` parameter is >= 0, True or False")
    if finetune is True:
        pass
    elif finetune is False:
        for param in model.parameters():
            param.requires_grad = False
    elif int(finetune) >= 0:
        if blocks != None:
            blocks_map = {i: b for i, b in enumerate(blocks)}
            for i in range(finetune):
                for param in getattr(model, blocks_map[i]).parameters():
                    param.requires_grad = False
    return model

from torchvision.models import resnet18
model = freezer(resnet18(), 3, ["conv1", "bn1", "layer1", "layer2"])
