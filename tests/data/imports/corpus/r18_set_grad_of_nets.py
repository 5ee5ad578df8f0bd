# seen: psychemistz/MultiDimGCNR colab_notebooks/Cycle_GAN_Image2Image_styletranfer/architecture/ops.py
# model: timm:resnet18
# read: model
def set_grad(nets, requires_grad=False):
    for net in nets:
        for param in net.parameters():
            param.requires_grad = requires_grad

set_grad([model], False)
set_grad([model.layer4, model.fc], True)
