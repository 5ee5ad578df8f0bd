# seen: ours
# model: timm:resnet18
# read: model
class Freezer:

    class Rule:

        def __init__(self, path, flag):

            self.path, self.flag = path, flag

        def apply(self, model):

            for n, p in model.named_parameters():

                if n.startswith(self.path):

                    p.requires_grad = self.flag

    def __init__(self):

        self.rules = []

    def freeze(self, path):

        self.rules.append(self.Rule(path, False))

        return self

    def train(self, path):

        self.rules.append(Freezer.Rule(path, True))

        return self

    def __call__(self, model):

        for rule in self.rules:

            rule.apply(model)

        return model


model = Freezer().freeze("").train("layer3").train("fc").freeze("layer3.0")(model)
