# seen: Haisen2050/BEVFormer_semantic_decoder projects/mmdet3d_plugin/bevformer/hooks/custom_hooks.py
# model: timm:resnet18
# read: model
# framework: FreezeModulesHook(["layer1", "layer2.0", "nothing.here"]).before_train_epoch(types.SimpleNamespace(model=model))
from mmcv.runner.hooks.hook import HOOKS, Hook


@HOOKS.register_module()
class FreezeModulesHook(Hook):
    def __init__(self, frozen_modules=("layer1", "layer2.0", "nothing.here")):
        self.frozen_modules = frozen_modules

    def get_nested_attr(self, obj, attr_path):
        for attr in attr_path.split("."):
            obj = getattr(obj, attr, None)
            if obj is None:
                return None
        return obj

    def before_train_epoch(self, runner):
        model = runner.model.module if getattr(runner.model, "module", None) else runner.model
        for module_name in self.frozen_modules:
            module = self.get_nested_attr(model, module_name)
            if module is None:
                print(f"[FreezeModulesHook] Warning: Module '{module_name}' not found.")
                continue
            for param in module.parameters():
                param.requires_grad = False
