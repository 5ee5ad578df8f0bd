# seen: msight-tech/research-ms-loss ret_benchmark/utils/freeze_bn.py
# model: timm:resnet18
# read: model
import torchvision
model = torchvision.models.resnet18()

def set_bn_eval(m):
    classname = m.__class__.__name__
    if classname.find('BatchNorm') != -1:
        m.eval()
        for p in m.parameters():
            p.requires_grad = False

model.apply(set_bn_eval)
