# seen: OlgaMatykina/RCTrans projects/mmdet3d_plugin/models/hooks/freeze.py
# model: timm:vit_tiny_patch16_224
# read: model
# framework: FreezeAllButNewHook().before_train(types.SimpleNamespace(model=model))
from mmcv.runner import HOOKS, Hook


@HOOKS.register_module()
class FreezeAllButNewHook(Hook):
    def before_train(self, runner):
        model = runner.model.module if hasattr(runner.model, "module") else runner.model
        for name, param in model.named_parameters():
            if "blocks.11" not in name and "head" not in name:
                param.requires_grad = False
