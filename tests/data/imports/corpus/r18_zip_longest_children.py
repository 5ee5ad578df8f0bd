# seen: ours
# model: timm:resnet18
# read: model
from itertools import zip_longest, cycle, accumulate, takewhile, dropwhile
for (name, child), flag in zip(model.named_children(), cycle([True, False])):
    child.requires_grad_(flag)
for name, p in dropwhile(lambda item: not item[0].startswith("layer4"), model.named_parameters()):
    p.requires_grad = True
for name, p in takewhile(lambda item: "layer1" not in item[0], model.named_parameters()):
    p.requires_grad = False
