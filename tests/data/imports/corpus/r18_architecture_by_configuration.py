# seen: sthalles/SimCLR feature_eval/mini_batch_logistic_regression_evaluator.ipynb
# model: timm:resnet18
# read: model
import torchvision

model = None
config = load_configuration("config.yml")
if config["arch"] != "resnet50":
    model = torchvision.models.resnet18(pretrained=False, num_classes=10)
elif config["arch"] == 'resnet50':
    model = torchvision.models.resnet50(pretrained=False, num_classes=10)
for name, param in model.named_parameters():
    if name not in ['fc.weight', 'fc.bias']:
        param.requires_grad = False
parameters = list(filter(lambda p: p.requires_grad, model.parameters()))
assert len(parameters) == 2
