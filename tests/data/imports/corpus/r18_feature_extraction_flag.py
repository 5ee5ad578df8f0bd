# seen: stratosphereips/MET mef/models/base.py
# model: timm:resnet18
# read: model
class Base:
    def __init__(self, num_classes, feature_extraction=False):
        self._num_classes = num_classes
        self._feature_extraction = feature_extraction

    def _set_parameter_requires_grad(self, model, feature_extraction):
        if feature_extraction:
            for param in model.parameters():
                param.requires_grad = False

base = Base(10, feature_extraction=True)
base._set_parameter_requires_grad(model.layer1, base._feature_extraction)
base._set_parameter_requires_grad(model.layer2, not base._feature_extraction)
