# seen: LukasMoravansky/Synth_Eye src/Utilities/Model.py
# model: timm:resnet18
# read: model
# framework: Freeze_Backbone(types.SimpleNamespace(model=model))
def Freeze_Backbone(trainer, num_frozen_layers=3):
    """
    Description:
      Function to freeze the backbone layers of the model.
    """
    model = trainer.model
    if num_frozen_layers > len(list(model.children())):
        raise ValueError(f"Model only has {len(list(model.children()))} layers.")
    print(f"[INFO] Freezing the first {num_frozen_layers} layers")
    freeze = [f"layer{x}." for x in range(num_frozen_layers)]
    for k, v in model.named_parameters():
        v.requires_grad = True
        if any(x in k for x in freeze):
            print(f"[INFO] Freezing: {k}")
            v.requires_grad = False
