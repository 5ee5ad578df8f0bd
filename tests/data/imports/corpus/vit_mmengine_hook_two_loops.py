# seen: VentusAislant/ipsl ipsl/hooks/ipsl_frozen_hooks.py
# model: timm:vit_tiny_patch16_224
# read: model
# framework: FreezeLayersHook().before_train(types.SimpleNamespace(model=model))
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class FreezeLayersHook(Hook):
    def __init__(self):
        super().__init__()

    def before_train(self, runner) -> None:
        for name, param in runner.model.named_parameters():
            param.requires_grad_(False)

        for name, param in runner.model.named_parameters():
            if "blocks.10.attn" in name:
                param.requires_grad_(True)
            if "blocks.11.attn" in name:
                param.requires_grad_(True)

        print("=" * 90)
        print("Trainable params: ")
        for n, p in runner.model.named_parameters():
            if p.requires_grad:
                print(n)
